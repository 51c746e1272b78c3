// SPDX-License-Identifier: Apache-2.0
// Sweeps whose trials stop early, in a world in memory.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_pruning_test {

using ::testing::HasSubstr;

// Trial n of a grid reports n times its loss, 4 times, and leaves at once when it is told to.
Script Losing(const LaunchRecord& record) {
  Script script;
  script.wall = seconds(5);
  const auto loss = static_cast<double>(record.trial_number);
  for (int i = 1; i <= 4; ++i)
    script.reports.push_back({seconds(i), {{"loss", loss / i}}});
  return script;
}

SweepSpec Pruned(int trials, EarlyTerminate rule) {
  SweepSpec spec = GridOf(trials);
  spec.metric = Metric{.name = "loss"};
  spec.early_terminate = rule;
  return spec;
}

TEST(CorePruning, EndsTrialsThatFallBehindAndSaysWhy) {
  World world(1, Losing);
  world.Open(Pruned(6, {.type = PrunerType::kAsha, .min_iter = 2}));
  world.RunToEnd();
  EXPECT_EQ(world.ended.at(0).outcome, SweepOutcome::kAllDone);
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 1);
  EXPECT_EQ(world.store.CountState(TrialState::kPruned), 5);
  EXPECT_EQ(world.store.Trial(2).reason,
            "pruned: at report 2 in place 2 of 2; only the best goes on");
  EXPECT_EQ(world.store.Trial(2).attempts.back().mark, 2);
}

TEST(CorePruning, KnowsAfterARestartWhatItKnewBefore) {
  World world(1, Losing);
  world.Open(Pruned(6, {.type = PrunerType::kAsha, .min_iter = 2}));
  world.RunFor(milliseconds(12'500));
  world.Restart();
  world.RunFor(milliseconds(100));
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 1);
  EXPECT_EQ(world.store.CountState(TrialState::kPruned), 5);
  EXPECT_THAT(world.store.Trial(6).reason, HasSubstr("place 6 of 6"));
}

TEST(CorePruning, MaximizesWhereTheSweepDoes) {
  World world(1, Losing);
  SweepSpec spec = Pruned(4, {.type = PrunerType::kAsha});
  spec.metric->goal = Goal::kMaximize;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 4) << "each is the best so far";
}

TEST(CorePruning, StartsNoFurtherSeedOfAConfigurationThatHasLost) {
  World world(1, Losing);
  SweepSpec spec = Pruned(3, {.type = PrunerType::kRacing});
  spec.seeds = 4;
  world.Open(spec);
  world.RunToEnd();
  // Losses are 1 to 4, then 5 to 8 and 9 to 12, a quarter of them: by 1 and by 2 a seed, every
  // time.
  EXPECT_EQ(world.Local().starts, 4 + 3 + 2);
  EXPECT_EQ(world.store.CountState(TrialState::kPruned), 3);
  EXPECT_EQ(world.store.Trial(8).reason, "pruned: clearly worse than the best after 3 seeds");
  EXPECT_EQ(world.ended.at(0).outcome, SweepOutcome::kAllDone);
}

// By number the first configuration would lead when the second has two seeds, which are clearly
// worse; as they ended, the second led until it had three.
TEST(CorePruning, GivesUpNobodyAfterARestartWhoWasNotGivenUpBefore) {
  const std::map<std::int64_t, int> walls{{5, 1}, {6, 2}, {7, 3}, {1, 4}, {2, 5}, {3, 6}};
  const std::map<std::int64_t, double> losses{{5, 10}, {6, 10.01}, {3, 0.2}};
  World world(8, [&](const LaunchRecord& record) {
    const auto wall = walls.find(record.trial_number);
    const auto loss = losses.find(record.trial_number);
    Script script;
    script.wall = seconds(wall == walls.end() ? 20 : wall->second);
    script.reports.push_back(
        {milliseconds(500), {{"loss", loss == losses.end() ? 0 : loss->second}}});
    return script;
  });
  SweepSpec spec = Pruned(2, {.type = PrunerType::kRacing});
  spec.seeds = 4;
  world.Open(spec);
  world.RunFor(seconds(10));
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 6);
  world.Restart();
  world.RunFor(milliseconds(100));
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 8);
}

TEST(CorePruning, LetsTheUserRunAPrunedTrialAgain) {
  World world(1, Losing);
  world.Open(Pruned(2, {.type = PrunerType::kThreshold, .upper = 1.5}));
  world.RunToEnd();
  EXPECT_EQ(world.store.Trial(2).state, TrialState::kPruned);
  EXPECT_THAT(world.Ask(UserVerb::kRetry, {2}), HasSubstr("waits to run again"));
}

}  // namespace core_pruning_test
}  // namespace ddl::test
