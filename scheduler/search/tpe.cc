// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "configs/spec.h"
#include "scheduler/search/parzen.h"
#include "scheduler/search/sobol.h"
#include "scheduler/search/tpe_history.h"

namespace ddl {

namespace {

// All of them were chosen on the suite "tuning" of bench/search; docs/search.md says how.
constexpr std::int64_t kStart = 10;  // trials with a value before the model is asked
constexpr double kGoodShare = 0.1;
constexpr double kMostGoodTrials = 25;
constexpr int kCandidates = 32;
constexpr BandwidthRule kGoodRule{.factor = 0.8, .ordered_share = 0.4, .category_share = 2};
constexpr BandwidthRule kBadRule{.category_share = 4};
// Where all candidates of a round are forbidden, the next one draws from wider kernels.
constexpr int kRounds = 5;
constexpr int kLastTries = 200;
constexpr std::uint64_t kLastDraws = 1'000'000'000;  // a purpose that no round has

struct Candidate {
  double score = 0;
  Point point;
};

std::size_t GoodOf(std::size_t ended) {
  const double wanted = std::ceil(kGoodShare * static_cast<double>(ended));
  return static_cast<std::size_t>(std::min(wanted, kMostGoodTrials));
}

// The best counts twice the mean, the last nearly nothing.
std::vector<double> RankWeights(std::size_t count) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < count; ++i) {
    weights.push_back(2 * static_cast<double>(count - i) / static_cast<double>(count + 1));
  }
  return weights;
}

class TpeSearch : public AdaptiveSearch {
 public:
  explicit TpeSearch(SearchProblem problem)
      : problem_(std::move(problem)),
        domain_(problem_.space),
        kernels_(KernelDimensions(domain_)),
        history_(kernels_.size(), problem_.objectives),
        start_(std::min(kernels_.size(), kMostSobolParameters), problem_.seed) {}

  std::optional<Configuration> Propose(std::int64_t number) override;

  void Take(std::int64_t number, const Configuration& configuration) override {
    history_.Take(number, domain_.Encode(configuration));
  }
  void Tell(std::int64_t number, const Outcome& outcome) override {
    history_.Tell(number, outcome);
  }

 private:
  using Dimensions = TpeHistory::Dimensions;

  [[nodiscard]] std::optional<Configuration> IfAllowed(const Point& point) const;
  std::optional<Configuration> Evenly(std::int64_t number);
  [[nodiscard]] std::optional<Configuration> OfModel(std::int64_t number, int round) const;
  [[nodiscard]] std::optional<Configuration> OfPrior(std::int64_t number) const;
  // kCandidates of a group's dimensions, the best first.
  [[nodiscard]] std::vector<Candidate> OfGroup(std::int64_t number, int round,
                                               std::size_t group) const;
  [[nodiscard]] std::vector<KernelDimension> KernelsOf(const Dimensions& dimensions) const;
  [[nodiscard]] std::vector<Point> PointsOf(const std::vector<std::int64_t>& numbers,
                                            const Dimensions& dimensions) const;

  SearchProblem problem_;
  Domain domain_;
  std::vector<KernelDimension> kernels_;
  TpeHistory history_;
  SobolSequence start_;
};

std::optional<Configuration> TpeSearch::Propose(std::int64_t number) {
  // Where trials fail, what they teach has to do.
  const bool is_start = history_.Valued() < kStart && history_.Ended() < 2 * kStart;
  if (is_start && kernels_.size() <= kMostSobolParameters) {
    if (auto proposed = Evenly(number)) return proposed;
  }
  for (int round = 0; !is_start && round < kRounds; ++round) {
    if (auto proposed = OfModel(number, round)) return proposed;
  }
  return OfPrior(number);
}

std::optional<Configuration> TpeSearch::IfAllowed(const Point& point) const {
  Configuration configuration = domain_.Decode(point);
  if (!problem_.is_allowed(configuration)) return std::nullopt;
  return configuration;
}

// A point of a sequence that fills the space evenly.
std::optional<Configuration> TpeSearch::Evenly(std::int64_t number) {
  Point point = start_.Point(number);
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (domain_.Dimensions()[i].is_categorical) point[i] = domain_.CategoryAt(i, point[i]);
  }
  return IfAllowed(point);
}

std::optional<Configuration> TpeSearch::OfPrior(std::int64_t number) const {
  CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number), kLastDraws);
  const Parzen prior(kernels_, {}, {});
  for (int i = 0; i < kLastTries; ++i) {
    if (auto allowed = IfAllowed(prior.Sample(draws, 1))) return allowed;
  }
  return std::nullopt;
}

std::optional<Configuration> TpeSearch::OfModel(std::int64_t number, int round) const {
  std::vector<std::vector<Candidate>> candidates;
  for (std::size_t group = 0; group < history_.Groups(); ++group) {
    candidates.push_back(OfGroup(number, round, group));
  }
  Point point(kernels_.size());
  for (std::size_t i = 0; i < std::size_t{kCandidates}; ++i) {
    for (std::size_t group = 0; group < candidates.size(); ++group) {
      const Dimensions& dimensions = history_.DimensionsOf(group);
      for (std::size_t k = 0; k < dimensions.size(); ++k) {
        point[dimensions[k]] = candidates[group][i].point[k];
      }
    }
    if (auto allowed = IfAllowed(point)) return allowed;
  }
  return std::nullopt;
}

std::vector<Candidate> TpeSearch::OfGroup(std::int64_t number, int round, std::size_t group) const {
  const Dimensions& dimensions = history_.DimensionsOf(group);
  const TpeHistory::Split split = history_.SplitOf(group, GoodOf(history_.Ended(group)));
  const std::vector<KernelDimension> kernels = KernelsOf(dimensions);
  const Parzen good(
      kernels,
      {.points = PointsOf(split.good, dimensions), .weights = RankWeights(split.good.size())},
      kGoodRule);
  const Parzen bad(kernels,
                   {.points = PointsOf(split.bad, dimensions),
                    .weights = std::vector<double>(split.bad.size(), 1)},
                   kBadRule);
  CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number),
                     static_cast<std::uint64_t>(round) * history_.Groups() + group);
  std::vector<Candidate> candidates;
  for (int i = 0; i < kCandidates; ++i) {
    Point point = good.Sample(draws, 1 + round);
    const double score = good.LogDensity(point) - bad.LogDensity(point);
    candidates.push_back({score, std::move(point)});
  }
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &Candidate::score);
  return candidates;
}

std::vector<KernelDimension> TpeSearch::KernelsOf(const Dimensions& dimensions) const {
  std::vector<KernelDimension> kernels;
  for (const std::size_t dimension : dimensions) {
    kernels.push_back(kernels_[dimension]);
  }
  return kernels;
}

std::vector<Point> TpeSearch::PointsOf(const std::vector<std::int64_t>& numbers,
                                       const Dimensions& dimensions) const {
  std::vector<Point> points;
  for (const std::int64_t number : numbers) {
    const Point& whole = history_.PointOf(number);
    Point& point = points.emplace_back();
    for (const std::size_t dimension : dimensions) {
      point.push_back(whole[dimension]);
    }
  }
  return points;
}

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeTpe(SearchProblem problem) {
  return std::make_unique<TpeSearch>(std::move(problem));
}

}  // namespace ddl
