// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

#include "cli/knowledge/resample.h"
#include "scheduler/search/quantiles.h"

namespace ddl {

namespace {

constexpr std::size_t kBootstraps = 10'000;
constexpr std::uint64_t kDrawnSigns = 20'000;
constexpr std::uint64_t kMeanStream = 1;
constexpr std::uint64_t kSignStream = 2;

double DeviationOf(const std::vector<double>& values, double mean) {
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> BootstrappedMeans(const std::vector<double>& values) {
  std::vector<double> means;
  means.reserve(kBootstraps);
  for (std::size_t i = 0; i < kBootstraps; ++i) {
    const std::uint64_t key = StreamKey(kMeanStream, i);
    double sum = 0;
    for (std::size_t draw = 0; draw < values.size(); ++draw) {
      sum += values[DrawBelow(values.size(), key, draw)];
    }
    means.push_back(sum / static_cast<double>(values.size()));
  }
  std::ranges::sort(means);
  return means;
}

// All differences of one pair of sides, and what the test keeps of them.
struct Compared {
  PairedDifference result;
  std::vector<double> differences;  // by seed; 0 where one of them is missing
  double scale = 0;                 // 1 / the root of their squares; 0: none differs
};

Compared Compare(const SeedValues& first, const SeedValues& second) {
  Compared compared;
  double squares = 0;
  double sum = 0;
  for (std::size_t seed = 0; seed < std::min(first.size(), second.size()); ++seed) {
    const bool is_pair = first[seed] && second[seed];
    const double difference = is_pair ? *second[seed] - *first[seed] : 0;
    compared.differences.push_back(difference);
    compared.result.pairs += is_pair ? 1 : 0;
    squares += difference * difference;
    sum += difference;
  }
  if (compared.result.pairs > 0) {
    compared.result.mean = sum / static_cast<double>(compared.result.pairs);
  }
  compared.scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  return compared;
}

// Turns signs of seeds and counts, for each pair, how often it or one that is no more significant
// lies as far from 0 as it does.
class SignTurns {
 public:
  explicit SignTurns(const std::vector<Compared>& compared) {
    for (std::size_t i = 0; i < compared.size(); ++i) {
      if (compared[i].scale > 0) order_.push_back(i);
      seeds_ = std::max(seeds_, compared[i].differences.size());
    }
    const auto observed = [&](std::size_t i) {
      const std::vector<double>& all = compared[i].differences;
      return std::abs(std::accumulate(all.begin(), all.end(), 0.0)) * compared[i].scale;
    };
    std::ranges::stable_sort(order_, std::greater<>(), observed);
    for (const std::size_t i : order_) {
      scaled_.emplace_back(compared[i].differences);
      scaled_.back().resize(seeds_);
      for (double& difference : scaled_.back()) {
        difference *= compared[i].scale;
      }
      sums_.push_back(std::accumulate(scaled_.back().begin(), scaled_.back().end(), 0.0));
      // What differs in the last digits is as far.
      thresholds_.push_back(std::abs(sums_.back()) * (1 - 1e-9));
    }
    counts_.resize(order_.size());
  }

  // By place in `compared`; the p values of those that differ at all.
  [[nodiscard]] std::vector<std::pair<std::size_t, double>> PValues() {
    const double turns = seeds_ <= kExactSeeds ? TurnAll() : TurnDrawn();
    std::vector<std::pair<std::size_t, double>> values;
    double least = 0;  // no pair is more significant than one further from 0
    for (std::size_t k = 0; k < order_.size(); ++k) {
      least = std::max(least, static_cast<double>(counts_[k]) / turns);
      values.emplace_back(order_[k], least);
    }
    return values;
  }

 private:
  // In Gray's order each turn is the last one with another seed turned. Half of them do: the other
  // half are their mirror images.
  double TurnAll() {
    std::vector<double> signs(seeds_, 1);
    const std::uint64_t turns = std::uint64_t{1} << (std::max<std::size_t>(seeds_, 1) - 1);
    Count();
    for (std::uint64_t turn = 1; turn < turns; ++turn) {
      const auto seed = static_cast<std::size_t>(std::countr_zero(turn));
      signs[seed] = -signs[seed];
      for (std::size_t k = 0; k < sums_.size(); ++k) {
        sums_[k] += 2 * signs[seed] * scaled_[k][seed];
      }
      Count();
    }
    return static_cast<double>(turns);
  }

  // The values as they are count as one of the turns, so that no p value is 0 (Phipson and Smyth:
  // Permutation p-values should never be zero, 2010).
  double TurnDrawn() {
    Count();
    for (std::uint64_t turn = 1; turn < kDrawnSigns; ++turn) {
      const std::uint64_t key = StreamKey(kSignStream, turn);
      std::ranges::fill(sums_, 0.0);
      for (std::size_t seed = 0; seed < seeds_; ++seed) {
        const double sign = DrawBelow(2, key, seed) == 0 ? 1 : -1;
        for (std::size_t k = 0; k < sums_.size(); ++k) {
          sums_[k] += sign * scaled_[k][seed];
        }
      }
      Count();
    }
    return static_cast<double>(kDrawnSigns);
  }

  void Count() {
    double farthest = 0;
    for (std::size_t k = sums_.size(); k-- > 0;) {
      farthest = std::max(farthest, std::abs(sums_[k]));
      if (farthest >= thresholds_[k]) ++counts_[k];
    }
  }

  std::vector<std::size_t> order_;  // farthest from 0 first
  std::size_t seeds_ = 0;
  std::vector<std::vector<double>> scaled_;  // in that order, then by seed
  std::vector<double> sums_;
  std::vector<double> thresholds_;
  std::vector<std::int64_t> counts_;
};

}  // namespace

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<Interval> IntervalOfMean(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  const auto count = static_cast<double>(values.size());
  const double mean = MeanOf(values);
  const double t = StudentQuantile(0.975, count - 1);
  if (values.size() < kLeastForBootstrap) {
    const double half = t * DeviationOf(values, mean) / std::sqrt(count);
    return Interval{mean - half, mean + half};
  }
  const double tail = std::erfc(t * std::sqrt(count / (count - 1)) / std::numbers::sqrt2) / 2;
  const std::vector<double> means = BootstrappedMeans(values);
  const auto beyond = static_cast<std::size_t>(tail * static_cast<double>(means.size()));
  return Interval{means[beyond], means[means.size() - 1 - beyond]};
}

std::vector<double> DifferencesOf(const SeedValues& first, const SeedValues& second) {
  std::vector<double> differences;
  for (std::size_t seed = 0; seed < std::min(first.size(), second.size()); ++seed) {
    if (first[seed] && second[seed]) differences.push_back(*second[seed] - *first[seed]);
  }
  return differences;
}

std::vector<PairedDifference> CompareAll(const std::vector<SeedValues>& sides) {
  std::vector<Compared> compared;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    for (std::size_t j = i + 1; j < sides.size(); ++j) {
      compared.push_back(Compare(sides[i], sides[j]));
      compared.back().result.first = i;
      compared.back().result.second = j;
    }
  }
  for (const auto& [place, p] : SignTurns(compared).PValues()) {
    compared[place].result.p = p;
  }
  std::vector<PairedDifference> results;
  results.reserve(compared.size());
  for (const Compared& one : compared) {
    results.push_back(one.result);
  }
  return results;
}

}  // namespace ddl
