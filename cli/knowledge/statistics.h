// SPDX-License-Identifier: Apache-2.0
// What a handful of seeds can tell: means with intervals, and differences that are tested.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ddl {

[[nodiscard]] double MeanOf(const std::vector<double>& values);

struct Interval {
  double low = 0;
  double high = 0;
};

// From this many values on the interval is a bootstrap's: of fewer no bootstrap can reach 95 %.
inline constexpr std::size_t kLeastForBootstrap = 6;

// Where the mean lies that the values were drawn around: a 95 % interval, none for a single value.
// Of few values Student's t. Else the expanded percentiles of 10,000 bootstrapped means, since
// plain ones are too narrow for few seeds (Hesterberg: What teachers should know about the
// bootstrap, 2015). The same values give the same interval.
[[nodiscard]] std::optional<Interval> IntervalOfMean(const std::vector<double>& values);

// One value a seed; none where that seed is missing.
using SeedValues = std::vector<std::optional<double>>;

struct PairedDifference {
  std::size_t first = 0;
  std::size_t second = 0;
  std::int64_t pairs = 0;  // seeds that both have
  double mean = 0;         // of second - first, over the pairs; 0 without one
  // That differences are as likely either way, corrected for all pairs that are compared; none
  // without pairs or where all are 0.
  std::optional<double> p;
};

inline constexpr double kShownBelow = 0.05;

// second - first of the seeds that both have.
[[nodiscard]] std::vector<double> DifferencesOf(const SeedValues& first, const SeedValues& second);

// Every pair of sides, in the order (0,1), (0,2), …, (1,2), …. Seed by seed, so that what a seed
// does to all sides alike drops out. Under the hypothesis that two sides do not differ, each seed's
// difference could as well have the other sign: an exact test that needs no distribution (Fisher
// 1935). The signs of all pairs are turned together, and a p value is how often any pair's
// standardised mean would be so far from 0 (the step-down maximum of Westfall and Young 1993): the
// chance of one false claim among all pairs is at most 5 %, and unlike with Holm's correction the
// seeds needed do not grow with the pairs. All signs up to kExactSeeds seeds, 20,000 drawn ones
// beyond.
[[nodiscard]] std::vector<PairedDifference> CompareAll(const std::vector<SeedValues>& sides);

inline constexpr std::size_t kExactSeeds = 16;
// Fewer pairs of seeds cannot show a difference: 2 / 2^5 is above 5 %.
inline constexpr std::int64_t kLeastPairs = 6;

}  // namespace ddl
