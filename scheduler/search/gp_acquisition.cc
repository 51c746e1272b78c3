// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_acquisition.h"

#include <algorithm>
#include <cmath>

#include "scheduler/search/box_minimum.h"
#include "scheduler/search/gp_improvement.h"

namespace ddl {

namespace {

constexpr std::int64_t kFewLevels = 32;
constexpr Eigen::Index kManyObservations = 250;

double LogImprovementOf(double mean, double deviation, double best) {
  return LogExpectedImprovement((best - mean) / deviation).value + std::log(deviation);
}

double FoldedIntoUnit(double x) {
  return std::min(std::abs(std::remainder(x, 2.0)), 1.0);
}

bool IsBetterCandidate(const GpCandidate& a, const GpCandidate& b) {
  return a.value > b.value;
}

}  // namespace

GpAcquisition::GpAcquisition(const Domain& domain, const GpFeatures& features,
                             const GpPosterior& posterior, double best)
    : domain_(domain), features_(features), posterior_(posterior), best_(best) {
  for (std::size_t i = 0; i < domain.Dimensions().size(); ++i) {
    is_conditional_ |= !domain.ParameterOf(i).when.empty();
    has_levels_ |= domain.Dimensions()[i].is_categorical || domain.Dimensions()[i].is_stepped;
  }
}

bool GpAcquisition::IsSmooth(std::size_t dimension) const {
  const Dimension& d = domain_.Dimensions()[dimension];
  return !d.is_categorical && !(d.is_stepped && d.levels > 0 && d.levels <= kFewLevels);
}

// Without the coordinates of what is absent there.
Point GpAcquisition::Seen(const Point& point) const {
  return is_conditional_ ? domain_.Encode(domain_.Decode(point)) : point;
}

std::vector<double> GpAcquisition::At(const std::vector<Point>& points) const {
  Eigen::MatrixXd rows(std::ssize(points), std::ssize(features_.Owners()));
  for (std::size_t i = 0; i < points.size(); ++i)
    rows.row(static_cast<Eigen::Index>(i)) = features_.Of(Seen(points[i]));
  Eigen::VectorXd means;
  Eigen::VectorXd deviations;
  posterior_.Predict(rows, means, deviations);
  std::vector<double> values;
  for (Eigen::Index i = 0; i < rows.rows(); ++i)
    values.push_back(LogImprovementOf(means[i], deviations[i], best_));
  return values;
}

Point GpAcquisition::Anywhere(CounterDraws& draws) const {
  Point point;
  for (std::size_t i = 0; i < domain_.Dimensions().size(); ++i) {
    const double share = draws.Uniform();
    point.push_back(domain_.Dimensions()[i].is_categorical ? domain_.CategoryAt(i, share) : share);
  }
  return point;
}

// In ordered coordinates by normal steps, in categories now and then.
Point GpAcquisition::Near(const Point& point, double reach, CounterDraws& draws) const {
  Point near = point;
  const double chance = 1 / static_cast<double>(point.size());
  for (std::size_t i = 0; i < point.size(); ++i) {
    const Dimension& dimension = domain_.Dimensions()[i];
    const bool is_changed = draws.Uniform() < chance;
    if (dimension.is_categorical) {
      if (is_changed) near[i] = domain_.CategoryAt(i, draws.Uniform());
    } else if (IsSmooth(i)) {
      near[i] = FoldedIntoUnit(point[i] + reach * draws.Normal());
    } else if (is_changed) {
      const double step = draws.Uniform() < 0.5 ? -1 : 1;
      near[i] = std::clamp(point[i] + step / static_cast<double>(dimension.levels), 0.0, 1.0);
    }
  }
  return near;
}

// In one parameter or few anywhere, and as they are in the others: what each parameter does by
// itself may be known from elsewhere.
Point GpAcquisition::Elsewhere(const Point& point, CounterDraws& draws) const {
  const Point anywhere = Anywhere(draws);
  const auto moved = static_cast<std::size_t>(draws.Below(std::ssize(point)));
  const double chance = 1 / static_cast<double>(point.size());
  Point elsewhere = point;
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (draws.Uniform() < chance || i == moved) elsewhere[i] = anywhere[i];
  }
  return elsewhere;
}

std::vector<GpCandidate> GpAcquisition::Search(const std::vector<Point>& incumbents,
                                               CounterDraws& draws) const {
  const bool are_many = posterior_.Observations().features.rows() > kManyObservations;
  const int anywhere = are_many ? 100 : 200;
  const int near = are_many ? 15 : 25;  // an incumbent
  const std::size_t climbs = are_many ? 3 : 5;
  std::vector<Point> points;
  for (int i = 0; i < anywhere; ++i)
    points.push_back(Anywhere(draws));
  for (const Point& incumbent : incumbents) {
    for (int i = 0; i < near; ++i)
      points.push_back(i % 5 < 4 ? Near(incumbent, 0.3 * std::pow(0.2, i % 5), draws)
                                 : Elsewhere(incumbent, draws));
  }
  const std::vector<double> values = At(points);
  std::vector<GpCandidate> far;
  std::vector<GpCandidate> all;
  for (std::size_t i = 0; i < points.size(); ++i) {
    all.push_back({points[i], values[i]});
    if (static_cast<int>(i) < anywhere) far.push_back(all.back());
  }
  std::ranges::stable_sort(all, IsBetterCandidate);
  std::ranges::stable_sort(far, IsBetterCandidate);
  std::vector<GpCandidate> tops;
  for (std::size_t i = 0; i + 2 < climbs; ++i)
    tops.push_back(Climb(all[i]));
  for (std::size_t i = 0; i < 2; ++i)
    tops.push_back(Climb(far[i]));
  all.insert(all.begin(), tops.begin(), tops.end());
  std::ranges::stable_sort(all, IsBetterCandidate);
  return all;
}

GpCandidate GpAcquisition::Climb(GpCandidate candidate) const {
  const int rounds = has_levels_ ? 2 : 1;
  for (int round = 0; round < rounds; ++round) {
    const double before = candidate.value;
    if (has_levels_) TryLevels(candidate);
    ClimbSlopes(candidate);
    if (candidate.value <= before) break;
  }
  if (has_levels_) TryLevels(candidate);
  return candidate;
}

void GpAcquisition::ClimbSlopes(GpCandidate& candidate) const {
  const int evaluations = posterior_.Observations().features.rows() > kManyObservations ? 15 : 30;
  const Point seen = Seen(candidate.point);
  std::vector<std::size_t> moved;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (IsSmooth(i) && !std::isnan(seen[i])) moved.push_back(i);
  }
  if (moved.empty()) return;
  Eigen::VectorXd features = features_.Of(seen);
  Eigen::VectorXd start(std::ssize(moved));
  for (std::size_t i = 0; i < moved.size(); ++i)
    start[static_cast<Eigen::Index>(i)] = candidate.point[moved[i]];
  const auto column = [&](std::size_t i) { return features_.ColumnOf(static_cast<int>(moved[i])); };
  const SmoothFunction loss = [&](const Eigen::VectorXd& at, Eigen::Ref<Eigen::VectorXd> slope) {
    for (std::size_t i = 0; i < moved.size(); ++i)
      features[column(i)] = at[static_cast<Eigen::Index>(i)];
    const GpPosterior::Prediction predicted = posterior_.PredictWithSlope(features);
    const double z = (best_ - predicted.mean) / predicted.deviation;
    const LogImprovement improvement = LogExpectedImprovement(z);
    const Eigen::VectorXd steepness =
        (predicted.deviation_slope -
         improvement.slope * (predicted.mean_slope + z * predicted.deviation_slope)) /
        predicted.deviation;
    for (std::size_t i = 0; i < moved.size(); ++i)
      slope[static_cast<Eigen::Index>(i)] = -steepness[column(i)];
    return -improvement.value - std::log(predicted.deviation);
  };
  const BoxMinimum minimum = MinimizeInBox(loss, start, Eigen::VectorXd::Zero(start.size()),
                                           Eigen::VectorXd::Ones(start.size()), evaluations);
  Point climbed = candidate.point;
  for (std::size_t i = 0; i < moved.size(); ++i)
    climbed[moved[i]] = minimum.at[static_cast<Eigen::Index>(i)];
  // Of steps that are climbed as if they were none, the value counts where they are rounded to.
  const double value = has_levels_ ? At({climbed}).front() : -minimum.value;
  if (value > candidate.value) candidate = {std::move(climbed), value};
}

std::vector<double> GpAcquisition::Alternatives(std::size_t dimension, double coordinate) const {
  const Dimension& d = domain_.Dimensions()[dimension];
  std::vector<double> alternatives;
  if (d.is_categorical || !IsSmooth(dimension)) {
    for (std::int64_t level = 0; level < d.levels; ++level) {
      const auto at = static_cast<double>(level);
      if (!d.is_categorical) {
        alternatives.push_back((at + 0.5) / static_cast<double>(d.levels));
      } else if (domain_.MayDraw(dimension, at)) {
        alternatives.push_back(at);
      }
    }
  } else if (d.is_stepped) {
    constexpr double kBeyond = 1e-9;
    const auto [low, high] = domain_.Cell(dimension, coordinate);
    if (low > kBeyond) alternatives.push_back(domain_.Snap(dimension, low - kBeyond));
    if (high < 1 - kBeyond) alternatives.push_back(domain_.Snap(dimension, high + kBeyond));
  }
  return alternatives;
}

// One dimension after the other, the best of its levels, or of the neighbours of many levels.
void GpAcquisition::TryLevels(GpCandidate& candidate) const {
  for (std::size_t i = 0; i < candidate.point.size(); ++i) {
    std::vector<Point> points;
    for (const double alternative : Alternatives(i, candidate.point[i])) {
      points.push_back(candidate.point);
      points.back()[i] = alternative;
    }
    if (points.empty()) continue;
    const std::vector<double> values = At(points);
    const auto top = std::ranges::max_element(values) - values.begin();
    const auto index = static_cast<std::size_t>(top);
    if (values[index] > candidate.value) candidate = {points[index], values[index]};
  }
}

}  // namespace ddl
