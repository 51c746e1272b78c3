// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/pruner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace pruner_test {

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

TEST(Asha, LetsNobodyGoOnWhoseMetricIsNoNumber) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(
      StopsOf({.type = PrunerType::kAsha}, {{kNan}, {kInfinity}, {kNan}, {4}, {-kInfinity}}),
      ElementsAre(1, 1, 1, 0, 0));
}

TEST(Asha, LetsNoMoreOfEqualsGoOnThanOfOthers) {
  EXPECT_THAT(StopsOf({.type = PrunerType::kAsha}, {{2}, {2}, {2}, {2}, {2}, {2}, {1}}),
              ElementsAre(0, 1, 1, 1, 1, 1, 0));
}

TEST(Asha, AsksAtRungsAndNotAtTheEndOfATrial) {
  const EarlyTerminate rule{.type = PrunerType::kAsha, .eta = 2};
  const Curve good{9, 9, 1, 1};
  EXPECT_THAT(StopsOf(rule, {good, {8, 8, 2, 2}}), ElementsAre(0, 4));
  EXPECT_THAT(StopsOf(rule, {good, {8, 8, 2, 2}}, 4), ElementsAre(0, 0));
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

TEST(Hyperband, LetsNobodyGoOnWhoseMetricIsNoNumber) {
  EarlyTerminate rule{.type = PrunerType::kHyperband, .min_iter = 2};
  const std::vector<Curve> curves{{kNan, kNan, kNan}, {kNan, kNan, 1}, {kNan, 2, kNan}, {1, kNan}};
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(2, 2, 0, 0)) << "the best so far counts";
  rule.strict = true;
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(2, 2, 0, 2)) << "the value at the rung counts";
}

TEST(Median, WaitsForEnoughTrialsAndForItsFirstReport) {
  EarlyTerminate rule{.type = PrunerType::kMedian, .min_iter = 2, .trials = 3};
  const std::vector<Curve> curves{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {1.5, 1.5}};
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 0, 0, 2, 0));
  rule.type = PrunerType::kPercentile;
  rule.percentile = 10;
  EXPECT_THAT(StopsOf(rule, curves), ElementsAre(0, 0, 0, 2, 2));
}

// Reports of one report number each, in turn; whoever is stopped is held at once.
std::vector<std::int64_t> PromotedAfter(Pruner& pruner, std::int64_t trial, std::int64_t iteration,
                                        double value) {
  if (pruner.Report({trial, 0, iteration, value})) pruner.Hold(trial);
  std::vector<std::int64_t> promoted;
  for (const Promotion& promotion : pruner.Promoted())
    promoted.push_back(promotion.trial);
  return promoted;
}

TEST(Promotion, ComesToTheBestThatAshaHoldsOnceThereAreMorePlaces) {
  const auto pruner = MakePruner({.type = PrunerType::kAsha}, 1, std::nullopt);
  EXPECT_THAT(PromotedAfter(*pruner, 1, 1, 1), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 2, 1, 3), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 3, 1, 2), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 4, 1, 9), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 5, 1, 9), IsEmpty()) << "1 of 5";
  EXPECT_THAT(PromotedAfter(*pruner, 6, 1, 9), ElementsAre(3)) << "2 of 6";
  EXPECT_THAT(PromotedAfter(*pruner, 7, 1, 9), IsEmpty()) << "promoted once";
  EXPECT_THAT(PromotedAfter(*pruner, 8, 1, 0), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 9, 1, 9), IsEmpty()) << "3 of 9: 8, 1 and 3";
  for (std::int64_t trial = 10; trial <= 11; ++trial)
    EXPECT_THAT(PromotedAfter(*pruner, trial, 1, 9), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 12, 1, 9), ElementsAre(2));
}

// Whoever comes first goes on. When there is a place more, it is for the lowest number.
TEST(Promotion, OfEqualsComesToAsManyAsThereArePlaces) {
  const auto pruner = MakePruner({.type = PrunerType::kAsha}, 1, std::nullopt);
  for (std::int64_t trial = 6; trial > 1; --trial)
    EXPECT_THAT(PromotedAfter(*pruner, trial, 1, 5), IsEmpty()) << trial;
  EXPECT_THAT(PromotedAfter(*pruner, 1, 1, 5), ElementsAre(1)) << "2 of 6: 6 and 1";
  EXPECT_THAT(PromotedAfter(*pruner, 7, 1, 5), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 8, 1, 5), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 9, 1, 5), ElementsAre(2)) << "3 of 9";
}

TEST(Promotion, NeverComesToWhoseMetricIsNoNumber) {
  for (const PrunerType type : {PrunerType::kAsha, PrunerType::kHyperband, PrunerType::kMedian}) {
    const auto pruner = MakePruner({.type = type, .eta = 2, .trials = 1}, 1, std::nullopt);
    for (std::int64_t trial = 1; trial <= 9; ++trial)
      EXPECT_THAT(PromotedAfter(*pruner, trial, 1, kNan), IsEmpty()) << ToString(type) << trial;
  }
}

TEST(Promotion, SaysWhy) {
  const auto pruner = MakePruner({.type = PrunerType::kAsha, .eta = 2}, 1, std::nullopt);
  for (std::int64_t trial = 1; trial <= 2; ++trial)
    EXPECT_THAT(PromotedAfter(*pruner, trial, 1, static_cast<double>(trial)), IsEmpty());
  (void)pruner->Report({3, 0, 1, 3.0});
  (void)pruner->Report({4, 0, 1, 4.0});
  const std::vector<Promotion> promoted = pruner->Promoted();
  ASSERT_EQ(promoted.size(), 1U);
  EXPECT_EQ(promoted[0].reason, "at report 1 now in place 2 of 4");
}

// It was told to stop at report 1, and reached the next rung before it left.
TEST(Promotion, JudgesByTheLastRungThatATrialHasComeTo) {
  const auto pruner = MakePruner({.type = PrunerType::kAsha, .eta = 2}, 1, std::nullopt);
  EXPECT_FALSE(pruner->Report({1, 0, 1, 1.0}));
  EXPECT_FALSE(pruner->Report({1, 0, 2, 1.0}));
  EXPECT_TRUE(pruner->Report({2, 0, 1, 2.0}));
  EXPECT_FALSE(pruner->Report({2, 0, 2, 0.5}));
  pruner->Hold(2);
  EXPECT_EQ(pruner->Promoted().size(), 1U);
}

TEST(Promotion, DoesNotComeToWhomSomebodyElseHasReleased) {
  for (const PrunerType type : {PrunerType::kAsha, PrunerType::kHyperband, PrunerType::kMedian}) {
    const auto pruner = MakePruner({.type = type, .eta = 2, .trials = 1}, 1, std::nullopt);
    EXPECT_THAT(PromotedAfter(*pruner, 1, 1, 1), IsEmpty());
    EXPECT_THAT(PromotedAfter(*pruner, 2, 1, 2), IsEmpty());
    pruner->Release(2);
    for (std::int64_t trial = 3; trial <= 9; ++trial)
      (void)pruner->Report({trial, 0, 1, static_cast<double>(trial)});
    EXPECT_THAT(pruner->Promoted(), IsEmpty()) << ToString(type);
  }
}

TEST(Promotion, ComesWhenTheBoundOfHyperbandHasBecomeAsBad) {
  const auto pruner =
      MakePruner({.type = PrunerType::kHyperband, .min_iter = 2, .eta = 2}, 1, std::nullopt);
  EXPECT_THAT(PromotedAfter(*pruner, 1, 1, 9), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 1, 2, 1), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 2, 1, 9), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 2, 2, 2), IsEmpty()) << "place 2 of 2 is its own";
  EXPECT_THAT(PromotedAfter(*pruner, 3, 2, 3), IsEmpty()) << "place 2 of 3 had 2";
  EXPECT_THAT(PromotedAfter(*pruner, 4, 2, 5), ElementsAre(3)) << "place 3 of 4 has 3";
}

TEST(Promotion, ComesWhenTheMedianOfTheOthersHasBecomeAsBad) {
  const auto pruner = MakePruner({.type = PrunerType::kMedian, .trials = 2}, 1, std::nullopt);
  EXPECT_THAT(PromotedAfter(*pruner, 1, 1, 1), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 2, 1, 2), IsEmpty());
  EXPECT_THAT(PromotedAfter(*pruner, 3, 1, 2.5), IsEmpty()) << "1.5 is the median of the others";
  EXPECT_THAT(PromotedAfter(*pruner, 4, 1, 9), IsEmpty()) << "2";
  EXPECT_THAT(PromotedAfter(*pruner, 5, 1, 8), ElementsAre(3)) << "5 of 1, 2, 8 and 9";
}

// A coordinator that goes on reads the reports of one trial after the other.
TEST(Promotion, DoesNotDependOnTheOrderOfTrials) {
  for (const PrunerType type : {PrunerType::kAsha, PrunerType::kHyperband, PrunerType::kMedian}) {
    const EarlyTerminate rule{.type = type, .eta = 2, .trials = 2};
    std::vector<PrunerReport> reports;
    for (std::int64_t iteration = 1; iteration <= 4; ++iteration)
      for (std::int64_t trial = 1; trial <= 8; ++trial)
        reports.push_back(
            {trial, 0, iteration, static_cast<double>(trial % 3) / static_cast<double>(iteration)});
    const auto promoted_by = [&rule](const std::vector<PrunerReport>& all) {
      const auto pruner = MakePruner(rule, 1, std::nullopt);
      for (const PrunerReport& report : all)
        (void)pruner->Report(report);
      for (std::int64_t trial = 1; trial <= 8; ++trial)
        pruner->Hold(trial);
      std::vector<std::string> reasons;
      for (const Promotion& promotion : pruner->Promoted())
        reasons.push_back(std::to_string(promotion.trial) + promotion.reason);
      return reasons;
    };
    const std::vector<std::string> in_time = promoted_by(reports);
    std::ranges::stable_sort(reports, {}, &PrunerReport::trial);
    EXPECT_EQ(promoted_by(reports), in_time) << ToString(type);
    EXPECT_FALSE(in_time.empty());
    EXPECT_LT(in_time.size(), 8U);
  }
}

TEST(Promotion, IsForThoseWhoAskAboutOthers) {
  for (const PrunerType type : {PrunerType::kPatience, PrunerType::kThreshold, PrunerType::kRacing})
    EXPECT_FALSE(MakePruner({.type = type}, 2, std::nullopt)->Promotes()) << ToString(type);
  EXPECT_TRUE(MakePruner({.type = PrunerType::kPercentile}, 1, std::nullopt)->Promotes());
  EarlyTerminate rule{.type = PrunerType::kAsha};
  rule.promote = false;
  EXPECT_FALSE(MakePruner(rule, 1, std::nullopt)->Promotes());
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
    pruner_->End({configuration, seed, value});
    std::vector<std::int64_t> losers;
    for (const Loser& loser : pruner_->Losers())
      losers.push_back(loser.configuration);
    return losers;
  }
  // Roughly normal.
  double Noise() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      sum += static_cast<double>(state_ >> 40U) / static_cast<double>(1U << 24U);
    }
    return sum - 6;
  }
  // How many of ten equal configurations are given up when all of them run side by side, by values
  // that are multiples of `step`, or any.
  std::int64_t GivenUpOfTen(double step) {
    pruner_ = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
    std::set<std::int64_t> lost;
    for (int seed = 0; seed < 5; ++seed) {
      for (std::int64_t configuration = 0; configuration < 10; ++configuration) {
        const double value = step > 0 ? std::round(Noise() / step) * step : Noise();
        if (lost.contains(configuration)) continue;
        for (const std::int64_t loser : End(configuration, seed, value))
          lost.insert(loser);
      }
    }
    return std::ssize(lost);
  }

  std::unique_ptr<Pruner> pruner_ = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
  std::uint64_t state_ = 7;
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

// Two equal differences are no proof where all values lie on steps.
TEST_F(Race, TakesNoStepsForCertainty) {
  for (int seed = 0; seed < 5; ++seed)
    EXPECT_THAT(End(0, seed, 0.5 + 0.01 * seed), IsEmpty());
  EXPECT_THAT(End(1, 0, 0.51), IsEmpty());
  EXPECT_THAT(End(1, 1, 0.52), IsEmpty());
  EXPECT_THAT(End(1, 2, 0.53), IsEmpty());
  EXPECT_THAT(End(2, 0, 0.9), IsEmpty());
  EXPECT_THAT(End(2, 1, 0.91), ElementsAre(2)) << "forty steps";
}

// Equal configurations are seldom given up, however often they are looked at.
TEST_F(Race, RespectsHowOftenItLooks) {
  int given_up = 0;
  constexpr int kRaces = 2000;
  for (int race = 0; race < kRaces; ++race) {
    pruner_ = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
    for (int seed = 0; seed < 5; ++seed)
      (void)End(0, seed, Noise());
    bool has_lost = false;
    for (int seed = 0; seed < 5 && !has_lost; ++seed)
      has_lost = !End(1, seed, Noise()).empty();
    given_up += has_lost ? 1 : 0;
  }
  EXPECT_LE(given_up, kRaces * 0.055);
  EXPECT_GE(given_up, kRaces * 0.005) << "a test that never gives up anybody is none";
}

// The best of many is the luckiest: that was 12 and 9 in a hundred.
TEST_F(Race, RespectsOfHowManyTheBestWasChosen) {
  constexpr int kRaces = 100;
  for (const double step : {0.0, 1.0}) {
    std::int64_t given_up = 0;
    for (int race = 0; race < kRaces; ++race)
      given_up += GivenUpOfTen(step);
    EXPECT_LE(static_cast<double>(given_up), 10 * kRaces * 0.05) << step;
    EXPECT_TRUE(given_up > 0 || step > 0) << "a test that never gives up anybody is none";
  }
}

// A coordinator that goes on reads ends by number.
TEST_F(Race, DoesNotDependOnTheOrderOfEnds) {
  std::vector<PrunerEnd> ends;
  for (int seed = 0; seed < 4; ++seed)
    for (std::int64_t configuration = 0; configuration < 6; ++configuration)
      ends.push_back(
          {configuration, seed, static_cast<double>(configuration / 3) * 9 + Noise() / 9});
  const auto losers_of = [](const std::vector<PrunerEnd>& all) {
    const auto pruner = MakePruner({.type = PrunerType::kRacing}, 5, std::nullopt);
    for (const PrunerEnd& end : all)
      pruner->End(end);
    std::vector<std::int64_t> losers;
    for (const Loser& loser : pruner->Losers())
      losers.push_back(loser.configuration);
    return losers;
  };
  EXPECT_THAT(losers_of(ends), ElementsAre(3, 4, 5));
  std::ranges::stable_sort(ends, {}, &PrunerEnd::configuration);
  EXPECT_THAT(losers_of(ends), ElementsAre(3, 4, 5));
}

TEST_F(Race, LeavesOutWhoHasLostBefore) {
  pruner_->Lose(0);
  for (int seed = 0; seed < 4; ++seed) {
    EXPECT_THAT(End(0, seed, 1 + 0.1 * seed), IsEmpty());
    EXPECT_THAT(End(1, seed, 5 + 0.11 * seed), IsEmpty()) << "it leads nobody";
  }
}

}  // namespace pruner_test
}  // namespace ddl
