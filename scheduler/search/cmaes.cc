// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/cmaes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "configs/error.h"
#include "scheduler/search/cma_categories.h"
#include "scheduler/search/cma_distribution.h"
#include "scheduler/search/cma_surrogate.h"
#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"

namespace ddl {

namespace {

// A point as the method sees it; ordered coordinates before they are snapped.
struct CmaPoint {
  Eigen::VectorXd ordered;
  std::vector<std::int64_t> categories;
};

// Better ones are smaller: finished by value, then pruned, the longest first, then failed.
using CmaRank = std::tuple<int, double, double>;

struct CmaMember {
  CmaRank rank;
  std::int64_t number = 0;
  CmaPoint point;
};

bool IsBetterMember(const CmaMember& a, const CmaMember& b) {
  return std::tie(a.rank, a.number) < std::tie(b.rank, b.number);
}

CmaRank CmaRankOf(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kFinished:
      return {0, 0, outcome.values.front()};
    case Outcome::Kind::kPruned:
      return {1, -outcome.resource, outcome.values.empty() ? 0 : outcome.values.front()};
    default:
      return {2, 0, 0};
  }
}

// What restarts are about. Of both kinds one follows the other by what they have cost.
struct CmaRestarts {
  int large = 0;                // restarts with a doubled population so far
  std::int64_t large_cost = 0;  // members that they took
  std::int64_t small_cost = 0;
  bool is_small = false;
  std::uint64_t count = 0;
};

class Cmaes : public AdaptiveSearch {
 public:
  explicit Cmaes(SearchProblem problem);
  std::optional<Configuration> Propose(std::int64_t number) override;
  void Take(std::int64_t number, const Configuration& configuration) override;
  void Tell(std::int64_t number, const Outcome& outcome) override;

 private:
  enum Purpose : std::uint64_t { kPurposeDraw = 0x636d61, kPurposeRestart };
  struct Running {
    CmaPoint point;
    bool is_own = false;
  };

  [[nodiscard]] CmaPoint Draw(std::int64_t number, std::uint64_t attempt) const;
  [[nodiscard]] Eigen::VectorXd DrawOrdered(CounterDraws& draws, double reach) const;
  [[nodiscard]] Configuration Decode(const CmaPoint& point) const;
  [[nodiscard]] std::optional<CmaPoint> OwnPoint(std::int64_t number,
                                                 const Configuration& configuration) const;
  [[nodiscard]] CmaPoint PointOf(const Configuration& configuration) const;
  void Learn();
  void LearnAgain(std::int64_t number, const Outcome& outcome);
  void Meet(CmaMember member, bool is_own);
  void CloseGeneration();
  void KeepMargins();
  [[nodiscard]] bool IsDone() const;
  void Begin(Eigen::VectorXd mean, double sigma, int population);
  void BeginFromOthers();
  void Restart();

  SearchProblem problem_;
  Domain domain_;
  std::vector<int> ordered_;      // dimensions
  std::vector<int> categorical_;  // dimensions
  int population_ = 4;
  std::optional<CmaDistribution> distribution_;  // nothing: no ordered dimension
  std::optional<CmaCategories> categories_;
  std::optional<CmaSurrogate> surrogate_;  // where there is a distribution
  std::map<std::int64_t, Running> running_;
  std::map<std::int64_t, Outcome> told_;     // not yet learnt
  std::map<std::int64_t, CmaPoint> pruned_;  // those that may be told again
  std::vector<CmaMember> members_;           // of the generation
  std::vector<CmaMember> others_;            // the best points of others, until its own begin
  bool others_changed_ = false;
  std::optional<CmaRank> best_;  // of this run
  std::vector<double> bests_;    // of each generation of this run
  std::int64_t own_ = 0;         // points of its own that were told
  std::size_t fresh_ = 0;        // points that the surrogate got since it was fitted
  CmaRestarts restarts_;
};

constexpr double kFirstSigma = 0.17;
constexpr int kCmaAttempts = 100;
constexpr std::size_t kMostOthers = 32;

double Reflected(double x) {
  const double folded = std::abs(std::remainder(x, 2.0));
  return std::min(folded, 1.0);
}

Cmaes::Cmaes(SearchProblem problem) : problem_(std::move(problem)), domain_(problem_.space) {
  if (problem_.objectives > 1) {
    throw Error("cmaes has one objective", "method", "use nsga2 or tpe for several metrics");
  }
  const std::vector<Dimension>& dimensions = domain_.Dimensions();
  for (std::size_t i = 0; i < dimensions.size(); ++i)
    (dimensions[i].is_categorical ? categorical_ : ordered_).push_back(static_cast<int>(i));
  population_ = 4 + static_cast<int>(
                        3 * std::log(std::max<double>(1, static_cast<double>(dimensions.size()))));
  Begin(Eigen::VectorXd::Constant(std::ssize(ordered_), 0.5), kFirstSigma, population_);
}

void Cmaes::Begin(Eigen::VectorXd mean, double sigma, int population) {
  population_ = population;
  if (!ordered_.empty()) distribution_.emplace(std::move(mean), sigma, population);
  std::vector<std::vector<double>> probabilities;
  for (const int dimension : categorical_) {
    const auto index = static_cast<std::size_t>(dimension);
    const Parameter& p = domain_.ParameterOf(index);
    const std::vector<double> equal(p.values.size(), 1 / static_cast<double>(p.values.size()));
    probabilities.push_back(p.probabilities.empty() ? equal : p.probabilities);
  }
  categories_.emplace(std::move(probabilities));
  if (!ordered_.empty() && !surrogate_) surrogate_.emplace(std::ssize(ordered_));
  members_.clear();
  best_.reset();
  bests_.clear();
}

Eigen::VectorXd Cmaes::DrawOrdered(CounterDraws& draws, double reach) const {
  Eigen::VectorXd normal(std::ssize(ordered_));
  for (double& value : normal)
    value = draws.Normal();
  Eigen::VectorXd point = distribution_->PointAt(reach * normal);
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const auto dimension = static_cast<std::size_t>(ordered_[i]);
    double& x = point[static_cast<Eigen::Index>(i)];
    if (!domain_.Dimensions()[dimension].is_stepped) x = Reflected(x);
  }
  return point;
}

CmaPoint Cmaes::Draw(std::int64_t number, std::uint64_t attempt) const {
  CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number),
                     kPurposeDraw + (attempt << 24U));
  CmaPoint point;
  if (distribution_) {
    // Where one distinct point after the other was refused, it looks ever further.
    const double reach = std::pow(1.05, std::max<double>(0, static_cast<double>(attempt) - 10));
    point.ordered = DrawOrdered(draws, reach);
    const int choices = attempt == 0 ? surrogate_->Choices() : 1;
    double best = choices > 1 ? surrogate_->At(point.ordered) : 0;
    for (int i = 1; i < choices; ++i) {
      Eigen::VectorXd other = DrawOrdered(draws, reach);
      const double value = surrogate_->At(other);
      if (value < best) point.ordered = std::move(other);
      best = std::min(best, value);
    }
  }
  for (std::size_t i = 0; i < categorical_.size(); ++i)
    point.categories.push_back(categories_->At(i, draws.Uniform()));
  return point;
}

Configuration Cmaes::Decode(const CmaPoint& point) const {
  Point coordinates(domain_.Dimensions().size());
  for (std::size_t i = 0; i < ordered_.size(); ++i)
    coordinates[static_cast<std::size_t>(ordered_[i])] =
        point.ordered[static_cast<Eigen::Index>(i)];
  for (std::size_t i = 0; i < categorical_.size(); ++i)
    coordinates[static_cast<std::size_t>(categorical_[i])] =
        static_cast<double>(point.categories[i]);
  return domain_.Decode(coordinates);
}

std::optional<Configuration> Cmaes::Propose(std::int64_t number) {
  Learn();
  for (std::uint64_t attempt = 0; attempt < kCmaAttempts; ++attempt) {
    Configuration configuration = Decode(Draw(number, attempt));
    if (problem_.is_allowed(configuration)) return configuration;
  }
  return std::nullopt;
}

// What Propose(number) would have drawn, with what a step rounds away.
std::optional<CmaPoint> Cmaes::OwnPoint(std::int64_t number,
                                        const Configuration& configuration) const {
  for (std::uint64_t attempt = 0; attempt < kCmaAttempts; ++attempt) {
    CmaPoint point = Draw(number, attempt);
    const Configuration drawn = Decode(point);
    if (drawn == configuration) return point;
    if (problem_.is_allowed(drawn)) break;  // Propose would have stayed with this one
  }
  return std::nullopt;
}

CmaPoint Cmaes::PointOf(const Configuration& configuration) const {
  const Point coordinates = domain_.Encode(configuration);
  CmaPoint point{Eigen::VectorXd(std::ssize(ordered_)), {}};
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const double x = coordinates[static_cast<std::size_t>(ordered_[i])];
    // What is not part of the configuration says nothing: as if it stood at the mean.
    const auto index = static_cast<Eigen::Index>(i);
    point.ordered[index] = std::isnan(x) ? distribution_->Mean()[index] : x;
  }
  for (std::size_t i = 0; i < categorical_.size(); ++i) {
    const double level = coordinates[static_cast<std::size_t>(categorical_[i])];
    point.categories.push_back(std::isnan(level) ? 0 : static_cast<std::int64_t>(level));
  }
  return point;
}

void Cmaes::Take(std::int64_t number, const Configuration& configuration) {
  Learn();
  std::optional<CmaPoint> own = OwnPoint(number, configuration);
  const bool is_own = own.has_value();
  running_[number] = {is_own ? *std::move(own) : PointOf(configuration), is_own};
}

void Cmaes::Tell(std::int64_t number, const Outcome& outcome) {
  told_[number] = outcome;
}

// By number: in which order they were told since the last proposal counts for nothing.
void Cmaes::Learn() {
  for (const auto& [number, outcome] : std::exchange(told_, {})) {
    const auto running = running_.find(number);
    if (running == running_.end()) {
      LearnAgain(number, outcome);
      continue;
    }
    const bool is_own = running->second.is_own;
    if (outcome.kind == Outcome::Kind::kPruned) pruned_[number] = running->second.point;
    // Where others failed is no place to begin at.
    if (outcome.kind < (is_own ? Outcome::Kind::kCanceled : Outcome::Kind::kFailed))
      Meet({CmaRankOf(outcome), number, std::move(running->second.point)}, is_own);
    running_.erase(running);
  }
  if (std::exchange(others_changed_, false) && own_ == 0) BeginFromOthers();
}

// A pruned one went on after all. In a generation that is still open its new rank counts; to a
// later one it is as the point of somebody else. Of retries of others all that matters is learnt.
void Cmaes::LearnAgain(std::int64_t number, const Outcome& outcome) {
  const auto pruned = pruned_.find(number);
  if (pruned == pruned_.end() || outcome.kind == Outcome::Kind::kCanceled) return;
  const auto is_it = [number](const CmaMember& member) { return member.number == number; };
  const bool is_open = std::erase_if(members_, is_it) > 0;
  std::erase_if(others_, is_it);
  Meet({CmaRankOf(outcome), number, pruned->second}, is_open);
}

void Cmaes::Meet(CmaMember member, bool is_own) {
  if (surrogate_ && std::get<0>(member.rank) == 0) {
    surrogate_->Add(member.point.ordered, std::get<2>(member.rank));
    ++fresh_;
  }
  if (!is_own) {
    if (own_ == 0) {
      const std::int64_t number = member.number;
      const auto place = std::ranges::upper_bound(others_, member, IsBetterMember);
      others_.insert(place, std::move(member));
      if (others_.size() > kMostOthers) others_.pop_back();
      others_changed_ |= std::ranges::any_of(
          others_, [&](const CmaMember& other) { return other.number == number; });
      return;
    }
    // Only what leads further is of use: other points do not tell of this distribution.
    if (best_ && member.rank >= *best_) return;
  }
  own_ += is_own ? 1 : 0;
  if (!best_ || member.rank < *best_) best_ = member.rank;
  members_.push_back(std::move(member));
  if (std::ssize(members_) == population_) CloseGeneration();
}

void Cmaes::CloseGeneration() {
  std::ranges::sort(members_, IsBetterMember);
  std::vector<Eigen::VectorXd> ranked;
  for (const CmaMember& member : members_)
    ranked.push_back(member.point.ordered);
  if (distribution_) distribution_->Update(ranked);
  std::vector<std::vector<std::int64_t>> better;
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i < population_ / 2; ++i) {
    weights.push_back(std::log((population_ + 1) / 2.0) - std::log(i + 1.0));
    sum += weights.back();
    better.push_back(members_[static_cast<std::size_t>(i)].point.categories);
  }
  for (double& weight : weights)
    weight /= sum;
  categories_->Update(better, weights);
  KeepMargins();
  if (distribution_) surrogate_->Fit(distribution_->Mean(), distribution_->Whitening(), fresh_);
  fresh_ = 0;
  const auto& [kind, resource, value] = members_.front().rank;
  bests_.push_back(kind == 0 ? value : std::numeric_limits<double>::infinity());
  (restarts_.is_small ? restarts_.small_cost : restarts_.large_cost) += population_;
  const bool is_done = IsDone();
  members_.clear();
  if (is_done) Restart();
}

void Cmaes::KeepMargins() {
  const double chance =
      1 / static_cast<double>(domain_.Dimensions().size() * static_cast<std::size_t>(population_));
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const auto dimension = static_cast<std::size_t>(ordered_[i]);
    if (!domain_.Dimensions()[dimension].is_stepped) continue;
    const auto index = static_cast<Eigen::Index>(i);
    const double mean = std::clamp(distribution_->Mean()[index], 0.0, 1.0);
    const auto [low, high] = domain_.Cell(dimension, mean);
    if (high > low) distribution_->KeepMargin(static_cast<int>(i), low, high, chance);
  }
}

// Values that no longer differ, steps that no longer matter, or axes out of all proportion
// (Hansen 2009, section 4, with coarser tolerances: no training can tell finer ones apart).
bool Cmaes::IsDone() const {
  constexpr double kFlat = 1e-11;
  constexpr double kShort = 1e-9;
  constexpr double kMostCondition = 1e14;
  const auto n = static_cast<double>(domain_.Dimensions().size());
  const auto window = static_cast<std::size_t>(10 + std::ceil(30 * n / population_));
  if (bests_.size() >= window) {
    const auto [least, most] =
        std::minmax_element(bests_.end() - static_cast<std::ptrdiff_t>(window), bests_.end());
    if (!(*most - *least > kFlat * std::abs(*least))) return true;
  }
  if (!distribution_) return false;
  bool is_short = true;
  for (std::size_t i = 0; i < ordered_.size(); ++i) {
    const bool is_stepped = domain_.Dimensions()[static_cast<std::size_t>(ordered_[i])].is_stepped;
    is_short &= !is_stepped && distribution_->Deviation(static_cast<int>(i)) < kShort;
  }
  return is_short || distribution_->Condition() > kMostCondition;
}

// From the best tenth of what others tried, but more than dimensions, where there are that many;
// after M. Nomura and others, "Warm Starting CMA-ES" (2021). Else at the best one.
void Cmaes::BeginFromOthers() {
  if (!distribution_) return;
  const auto enough = ordered_.size() + 1;
  const std::size_t used = others_.size() >= 2 * enough ? std::max(enough, others_.size() / 4) : 1;
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(std::ssize(ordered_));
  for (std::size_t i = 0; i < used; ++i)
    mean += others_[i].point.ordered / static_cast<double>(used);
  Begin(mean, kFirstSigma, population_);
}

void Cmaes::Restart() {
  CounterDraws draws(problem_.seed, ++restarts_.count, kPurposeRestart);
  Eigen::VectorXd mean(std::ssize(ordered_));
  for (double& x : mean)
    x = draws.Uniform();
  const int first =
      4 + static_cast<int>(3 * std::log(static_cast<double>(domain_.Dimensions().size())));
  restarts_.is_small = restarts_.large > 0 && restarts_.small_cost < restarts_.large_cost;
  if (!restarts_.is_small) {
    ++restarts_.large;
    Begin(std::move(mean), kFirstSigma, first << std::min(restarts_.large, 10));
    return;
  }
  const double growth =
      static_cast<double>(1U << static_cast<unsigned>(std::min(restarts_.large, 10)));
  const double share = draws.Uniform();
  const double members = first * std::pow(0.5 * growth, share * share);
  const double sigma = kFirstSigma * std::pow(10, -2 * draws.Uniform());
  Begin(std::move(mean), sigma, std::max(first, static_cast<int>(members)));
}

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeCmaes(SearchProblem problem) {
  return std::make_unique<Cmaes>(std::move(problem));
}

}  // namespace ddl
