// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/pruner.h"

#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
using Curve = std::vector<double>;

// Whole curves, one after the other: at which report each is stopped, 0 for those that never are.
std::vector<std::int64_t> StopsOf(Pruner& pruner, const std::vector<Curve>& curves) {
  std::vector<std::int64_t> stops;
  for (std::size_t trial = 0; trial < curves.size(); ++trial) {
    std::int64_t stop = 0;
    for (std::size_t i = 0; i < curves[trial].size() && stop == 0; ++i) {
      const auto iteration = static_cast<std::int64_t>(i) + 1;
      const auto number = static_cast<std::int64_t>(trial) + 1;
      if (pruner.Report({number, 0, iteration, curves[trial][i]})) stop = iteration;
    }
    stops.push_back(stop);
  }
  return stops;
}

std::vector<std::int64_t> StopsOf(const EarlyTerminate& rule, const std::vector<Curve>& curves,
                                  std::optional<std::int64_t> iterations = std::nullopt) {
  const auto pruner = MakePruner(rule, 1, iterations);
  return StopsOf(*pruner, curves);
}

TEST(Asha, LetsTheBestThirdOfThoseThatHaveComeGoOn) {
  // At each rung the first goes on; then 1 of 2 and 3, 1 of 4 and 5, 2 of 6.
  EXPECT_THAT(StopsOf({.type = PrunerType::kAsha}, {{5}, {4}, {6}, {4.5}, {3}, {3.5}, {kNan}}),
              ElementsAre(0, 0, 1, 1, 0, 0, 1));
}

TEST(Asha, AsksAtRungsAndNotAtTheEndOfATrial) {
  const EarlyTerminate rule{.type = PrunerType::kAsha, .eta = 2};
  const Curve good{9, 9, 1, 1};
  EXPECT_THAT(StopsOf(rule, {good, {9, 9, 2, 2}}), ElementsAre(0, 4));
  EXPECT_THAT(StopsOf(rule, {good, {9, 9, 2, 2}}, 4), ElementsAre(0, 0));
}

TEST(Asha, ComparesTrialsOfOneSeedOnly) {
  const auto pruner = MakePruner({.type = PrunerType::kAsha}, 2, std::nullopt);
  EXPECT_FALSE(pruner->Report({1, 0, 1, 1.0}));
  EXPECT_FALSE(pruner->Report({2, 1, 1, 9.0}));
  EXPECT_TRUE(pruner->Report({3, 0, 1, 2.0}));
}

// As the rule is documented: max_iter 5, eta 2, s 2 gives the bands 1 and 2.
TEST(Hyperband, StopsWhomWandbStops) {
  const EarlyTerminate rule{.type = PrunerType::kHyperband, .max_iter = 5, .eta = 2, .s = 2};
  const auto pruner = MakePruner(rule, 1, std::nullopt);
  const std::vector<Curve> curves{{10, 9, 9}, {10, 10, 10}, {10, 8, 8}, {10, 7, 7}, {10, 6, 6}};
  // All come to each report together. At band 2 the bound is 8 once all are there.
  std::map<std::int64_t, std::int64_t> stops;
  for (std::int64_t iteration = 1; iteration <= 3; ++iteration) {
    for (std::int64_t trial = 1; trial <= 5; ++trial) {
      const double value = curves.at(static_cast<std::size_t>(trial - 1))
                               .at(static_cast<std::size_t>(iteration - 1));
      if (!stops.contains(trial) && pruner->Report({trial, 0, iteration, value}))
        stops[trial] = iteration;
    }
  }
  EXPECT_EQ(stops, (std::map<std::int64_t, std::int64_t>{{1, 3}, {2, 3}}));
}

TEST(Hyperband, CountsTheBestSoFarUnlessItIsStrict) {
  EarlyTerminate rule{.type = PrunerType::kHyperband, .min_iter = 2};
  const std::vector<Curve> curves{{5, 3}, {1, 9}};  // the second was better once
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 0));
  rule.strict = true;
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 2));
}

TEST(Median, WaitsForEnoughTrialsAndForItsFirstReport) {
  EarlyTerminate rule{.type = PrunerType::kMedian, .min_iter = 2, .trials = 3};
  const std::vector<Curve> curves{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {1.5, 1.5}};
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 0, 0, 2, 0));
  rule.type = PrunerType::kPercentile;
  rule.percentile = 10;
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 0, 0, 2, 2));
}

TEST(Patience, CountsFromTheLastGain) {
  EarlyTerminate rule{.type = PrunerType::kPatience, .patience = 2};
  EXPECT_THAT(StopsOf(rule, {{5, 4, 4, 3.9, 3.9, 3.9}, {5, 6, 7}, {kNan, 5, 4}}),
              ElementsAre(6, 3, 0));
  rule.min_delta = 0.5;
  EXPECT_THAT(StopsOf(rule, {{5, 4, 4, 3.9, 3.9, 3.9}}), ElementsAre(4));
}

TEST(Threshold, IsOfTheMetricAsItIs) {
  const EarlyTerminate rule{
      .type = PrunerType::kThreshold, .min_iter = 2, .lower = 0.1, .upper = 10};
  EXPECT_THAT(StopsOf(rule, {{99, 1}, {1, 11}, {1, 0.05}, {1, kNan}}), ElementsAre(0, 2, 2, 2));
}

class Race : public testing::Test {
 protected:
  std::vector<std::int64_t> End(std::int64_t configuration, int seed, double value) {
    std::vector<std::int64_t> losers;
    for (const Loser& loser : pruner_->End({configuration, seed, value}))
      losers.push_back(loser.configuration);
    return losers;
  }
  std::unique_ptr<Pruner> pruner_ = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
};

TEST_F(Race, GivesUpWhoIsClearlyWorseBySharedSeeds) {
  for (int seed = 0; seed < 5; ++seed)
    EXPECT_THAT(End(0, seed, 1 + 0.1 * seed), IsEmpty());
  EXPECT_THAT(End(1, 0, 5.00), IsEmpty());
  EXPECT_THAT(End(1, 1, 5.12), ElementsAre(1));
  EXPECT_THAT(End(1, 2, 5.21), IsEmpty()) << "told twice";
}

TEST_F(Race, KeepsWhoseDifferenceMayBeChance) {
  for (int seed = 0; seed < 5; ++seed)
    EXPECT_THAT(End(0, seed, 1 + 0.1 * (seed % 2)), IsEmpty());
  EXPECT_THAT(End(1, 0, 1.3), IsEmpty());
  EXPECT_THAT(End(1, 1, 1.1), IsEmpty());
  EXPECT_THAT(End(1, 2, 1.4), IsEmpty());
}

// Equal configurations are seldom given up, however often they are looked at.
TEST_F(Race, RespectsHowOftenItLooks) {
  int given_up = 0;
  std::uint64_t state = 7;
  const auto noise = [&state] {  // roughly normal
    double sum = 0;
    for (int i = 0; i < 12; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      sum += static_cast<double>(state >> 40U) / static_cast<double>(1U << 24U);
    }
    return sum - 6;
  };
  constexpr int kRaces = 2000;
  for (int race = 0; race < kRaces; ++race) {
    pruner_ = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
    for (int seed = 0; seed < 5; ++seed)
      (void)End(0, seed, noise());
    bool has_lost = false;
    for (int seed = 0; seed < 5 && !has_lost; ++seed)
      has_lost = !End(1, seed, noise()).empty();
    given_up += has_lost ? 1 : 0;
  }
  EXPECT_LE(given_up, kRaces * 0.055);
  EXPECT_GE(given_up, kRaces * 0.005) << "a test that never gives up anybody is none";
}

}  // namespace
}  // namespace ddl
