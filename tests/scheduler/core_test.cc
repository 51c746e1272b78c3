// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_test {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Script Lasting(Time wall) {
  Script script;
  script.wall = wall;
  return script;
}

Script Failing(int code) {
  Script script;
  script.exit_code = code;
  return script;
}

Script Reporting(std::vector<double> losses) {
  Script script;
  script.wall = seconds(1) * static_cast<int>(losses.size() + 1);
  for (std::size_t i = 0; i < losses.size(); ++i)
    script.reports.push_back({seconds(i + 1), {{"loss", losses[i]}}});
  return script;
}

SweepSpec WithMetric(SweepSpec spec) {
  spec.metric = Metric{.name = "loss"};
  return spec;
}

TEST(Core, TakesAGridFromOpeningToItsEnd) {
  World world(2);
  world.Open(GridOf(20));
  world.RunToEnd();

  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kAllDone);
  EXPECT_EQ(world.ended[0].reason, "all 20 trials have ended");
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 20);
  EXPECT_EQ(world.Local().starts, 20);
  EXPECT_EQ(world.Local().most_running, 2);
  EXPECT_TRUE(world.Local().ranks.empty()) << "ranks that nobody settled";
}

TEST(Core, KeepsToParallelAndToFractionsOfCores) {
  for (const auto& [cpus, parallel, expected] :
       {std::tuple{1.0, 1, 1}, std::tuple{0.5, 100, 4}, std::tuple{0.25, 3, 3}}) {
    World world(2, [](const LaunchRecord&) { return Lasting(seconds(1)); });
    SweepSpec spec = GridOf(12);
    spec.resources.cpus = cpus;
    spec.parallel = parallel;
    world.Open(spec);
    world.RunToEnd();
    EXPECT_EQ(world.Local().most_running, expected) << cpus << " cpus";
  }
}

TEST(Core, SaysAtOnceWhatNoHostCanEverTake) {
  World world(2);
  SweepSpec spec = GridOf(3);
  spec.resources.cpus = 64;
  world.Open(spec);
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_THAT(world.ended[0].reason, StartsWith("no host can ever take a trial"));
  EXPECT_EQ(world.Local().starts, 0);
}

TEST(Core, WaitsForADeviceThatSomebodyElseUsesOrThatWent) {
  World world(2);
  HostFacts& facts = world.Local().facts;
  facts.gpus = {{0, "GPU-1", "H100", 80'000, 12, true}};
  world.Connect("local");
  SweepSpec spec = GridOf(2);
  spec.resources.gpus = 1;
  world.Open(spec);
  const auto now_has = [&](const std::vector<GpuFacts>& gpus) {
    facts.gpus = gpus;
    world.TellDevices("local");
    world.RunFor(seconds(60));
  };
  now_has({});
  world.Disconnect("local");
  world.Connect("local");
  world.RunFor(seconds(60));
  EXPECT_EQ(world.Local().starts, 0);
  EXPECT_TRUE(world.ended.empty());
  now_has({{0, "GPU-1", "H100", 80'000, 12, false}});
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kAllDone);
}

TEST(Core, RetriesATrialsOwnFailureAsOftenAsAsked) {
  World world(2, [](const LaunchRecord&) { return Failing(3); });
  SweepSpec spec = GridOf(2);
  spec.retries = 2;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.Local().starts, 6);
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 2);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kSomeFailed);
  EXPECT_EQ(world.said, std::vector<std::string>{"trial 1 failed: exit code 3"});
  EXPECT_EQ(world.Ask(UserVerb::kExplain, {1}),
            "Trial grid/1 failed after 3 attempts: exit code 3. See why: ddl logs grid/1; once "
            "mended: ddl retry grid/1");
}

TEST(Core, DoesNotCountWhatTheHostDid) {
  int starts = 0;
  World world(1, [&starts](const LaunchRecord&) {
    Script script;
    if (++starts <= 3) script.cause = EndCause::kSupervisorLost;
    return script;
  });
  world.Open(GridOf(1));  // no retries allowed
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 1);
  EXPECT_EQ(world.Local().starts, 4);
}

// Nobody knows whose fault it was: all go on among half as many, until the poison stands alone.
TEST(Core, HalvesTheCompanyOfTrialsWhoseWorkerWasLost) {
  std::map<std::int64_t, std::vector<int>> lanes;
  World world(8, [&lanes](const LaunchRecord& launch) {
    lanes[launch.trial_number].push_back(launch.lanes);
    EXPECT_EQ(launch.worker.empty(), launch.lanes == 0);
    Script script = launch.trial_number == 3 ? Failing(1) : Script{};
    const bool is_near_poison = launch.trial_number <= 4 || lanes[launch.trial_number].size() < 3;
    if (launch.lanes > 0 && is_near_poison) script.cause = EndCause::kWorkerLost;
    return script;
  });
  SweepSpec spec = GridOf(8);
  spec.trainer = Json::object();
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(lanes.at(3), (std::vector<int>{8, 4, 2, 1, 0}));
  EXPECT_EQ(lanes.at(4), (std::vector<int>{8, 4, 2, 1, 0}));
  EXPECT_EQ(lanes.at(8), (std::vector<int>{8, 4, 2}));
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7);
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {3}),
              HasSubstr("failed after 5 attempts: exit code 1"));
}

TEST(Core, EndsAFailFastSweepWithItsFirstFailure) {
  World world(1, [](const LaunchRecord& launch) {
    return launch.trial_number == 3 ? Failing(1) : Script{};
  });
  SweepSpec spec = GridOf(50);
  spec.fail_fast = true;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kSomeFailed);
  EXPECT_LT(world.Local().starts, 8);
}

TEST(Core, FailsATrialThatNeverReportsTheMetricAndSaysWhatItSaw) {
  World world(1, [](const LaunchRecord&) {
    Script script = Lasting(seconds(2));
    script.reports.push_back({seconds(1), {{"lose", 0.5}}});
    return script;
  });
  world.Open(WithMetric(GridOf(1)));
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {1}), HasSubstr("lose"));
}

TEST(Core, EndsWhenTheTargetIsReached) {
  World world(2, [](const LaunchRecord& launch) {
    return launch.trial_number == 2 ? Reporting({0.9, 0.05}) : Reporting({0.9, 0.8, 0.7, 0.6});
  });
  SweepSpec spec = WithMetric(GridOf(30));
  spec.metric->target = 0.1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kTargetReached);
  EXPECT_THAT(world.ended[0].reason, HasSubstr("by trial 2"));
  EXPECT_LT(world.Local().starts, 8);
}

TEST(Core, ATargetThatWasReachedStaysSoThroughAnExtension) {
  World world(1, [](const LaunchRecord& launch) {
    return Reporting({launch.trial_number == 1 ? 0.05 : 0.9});
  });
  SweepSpec spec = WithMetric(GridOf(50));
  spec.method = Method::kRandom;
  spec.run_cap = 4;
  spec.metric->target = 0.1;
  world.Open(spec);
  world.RunToEnd();
  ASSERT_EQ(world.ended.back().outcome, SweepOutcome::kTargetReached);
  world.extend_by = 3;
  (void)world.Ask(UserVerb::kExtend);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7);
  EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kTargetReached);
  EXPECT_EQ(world.ended.back().reason, "target reached: loss 0.05 by trial 1");
}

TEST(Core, TellsThatTheTargetWasMissed) {
  World world(2, [](const LaunchRecord&) { return Reporting({0.9}); });
  SweepSpec spec = WithMetric(GridOf(3));
  spec.metric->target = 0.1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kTargetMissed);
}

TEST(Core, KeepsToItsLimits) {
  World wall(1, [](const LaunchRecord&) { return Lasting(seconds(600)); });
  SweepSpec spec = GridOf(100);
  spec.limits.wall_h = 1;
  wall.Open(spec);
  wall.RunToEnd();
  EXPECT_EQ(wall.ended[0].outcome, SweepOutcome::kLimitReached);
  EXPECT_NEAR(static_cast<double>(wall.Local().starts), 6, 2);

  World epochs(1, [](const LaunchRecord&) { return Reporting({3, 2, 1}); });
  spec = WithMetric(GridOf(100));
  spec.limits.epochs = 10;
  epochs.Open(spec);
  epochs.RunToEnd();
  EXPECT_EQ(epochs.ended[0].outcome, SweepOutcome::kLimitReached);
  EXPECT_LT(epochs.Local().starts, 8);
}

TEST(Core, ReachesNoLimitByAStepOfAClock) {
  World world(1, [](const LaunchRecord&) { return Lasting(seconds(600)); });
  HostFacts& facts = world.Local().facts;
  facts.gpus = {{0, "GPU-1", "H100", 80'000, 12, false}};
  world.Connect("local");
  world.clock_step = seconds(1'000'000);
  SweepSpec spec = GridOf(3);
  spec.resources.gpus = 1;
  spec.limits.gpu_h = 1;
  spec.limits.wall_h = 1;
  world.Open(spec);
  world.RunFor(seconds(300));
  world.clock_step = seconds(2'000'000);
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kAllDone) << world.ended[0].reason;
}

// Two beside each other for 40 minutes; the wall clock says that the second began when the first
// had ended.
TEST(Core, CountsTrialsBesideEachOtherOnceWhateverTheClockSays) {
  World world(2, [](const LaunchRecord& launch) {
    return Lasting(seconds(2400) + seconds(60) * static_cast<int>(launch.id.job.value));
  });
  SweepSpec spec = GridOf(3);
  spec.limits.wall_h = 1.5;
  world.Open(spec);
  world.RunFor(seconds(2475));
  ASSERT_EQ(world.store.CountState(TrialState::kFinished), 1);
  world.clock_step = seconds(10'000);
  world.RunFor(seconds(100));
  ASSERT_EQ(world.store.CountState(TrialState::kFinished), 2);
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kAllDone) << world.ended[0].reason;
}

TEST(Core, CountsTheTimeInWhichNoCoordinatorWasThere) {
  World world(1, [](const LaunchRecord&) { return Lasting(seconds(3000)); });
  SweepSpec spec = GridOf(3);
  spec.limits.wall_h = 1;
  world.Open(spec);
  world.RunFor(seconds(10));
  world.Disconnect("local");
  world.Kill();
  world.RunFor(seconds(2000));
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);
  EXPECT_EQ(world.ended[0].outcome, SweepOutcome::kLimitReached);
  EXPECT_NEAR(std::chrono::duration<double>(world.now).count(), 1000 + 3600, 5);
}

TEST(Core, StopsPausesAndResumesATrial) {
  World world(1, [](const LaunchRecord&) {
    Script script = Lasting(seconds(100));
    script.exit_code_on_term = 75;
    return script;
  });
  world.Open(GridOf(2));
  world.RunFor(seconds(2));
  EXPECT_EQ(world.Ask(UserVerb::kPause, {1}), "trial 1 is told to write a checkpoint and leave");
  world.RunFor(seconds(2));
  EXPECT_EQ(world.store.Trial(1).state, TrialState::kPaused);
  EXPECT_EQ(world.Progress().running, 1) << "the other one has its core";
  EXPECT_EQ(world.Ask(UserVerb::kStop, {2}), "trial 2 is told to stop");
  world.RunFor(seconds(2));
  EXPECT_EQ(world.store.Trial(2).state, TrialState::kCanceled);
  (void)world.Ask(UserVerb::kResume, {1});
  world.RunToEnd();
  EXPECT_EQ(world.store.Trial(1).state, TrialState::kFinished);
  EXPECT_EQ(world.store.Trial(1).attempts.size(), 2U);
  EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kAllDone);
}

// Stopped while nothing but the paused one was left.
TEST(Core, APausedTrialOfAStoppedSweepGoesOnByItsNameAndByTheSweeps) {
  for (const bool by_name : {true, false}) {
    World world(1, [](const LaunchRecord&) {
      Script script = Lasting(seconds(100));
      script.exit_code_on_term = 75;
      return script;
    });
    world.Open(GridOf(1));
    world.RunFor(seconds(2));
    (void)world.Ask(UserVerb::kPause, {1});
    world.RunFor(seconds(2));
    (void)world.Ask(UserVerb::kStop);
    world.RunToEnd();
    ASSERT_EQ(world.store.Trial(1).state, TrialState::kPaused);
    const std::vector<std::int64_t> trials(by_name ? 1 : 0, 1);
    EXPECT_THAT(world.Ask(UserVerb::kResume, trials), HasSubstr("goes on"));
    world.RunToEnd();
    EXPECT_EQ(world.store.Trial(1).state, TrialState::kFinished);
    EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kAllDone);
  }
}

TEST(Core, RefusesWhatCannotBeDone) {
  World world(1);
  world.Open(GridOf(2));
  world.RunToEnd();
  EXPECT_EQ(world.Ask(UserVerb::kStop, {9}), "there is no trial 9; grid has 2");
  EXPECT_EQ(world.Ask(UserVerb::kStop, {1}), "trial 1 has already finished");
  EXPECT_EQ(world.Ask(UserVerb::kRetry), "no trial of grid has failed");
  EXPECT_EQ(world.Ask(UserVerb::kStop), "grid has ended: all 2 trials have ended");
}

TEST(Core, ReopensAFailedTrialWithAHigherAttempt) {
  int starts = 0;
  World world(1, [&starts](const LaunchRecord&) { return Failing(++starts == 1 ? 1 : 0); });
  world.Open(GridOf(1));
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  (void)world.Ask(UserVerb::kRetry, {1});
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 1);
  EXPECT_EQ(world.store.Trial(1).attempts.size(), 2U);
}

TEST(Core, ExtendsAnEndedRandomSweep) {
  World world(2);
  SweepSpec spec = GridOf(50);
  spec.method = Method::kRandom;
  spec.run_cap = 4;
  world.Open(spec);
  world.RunToEnd();
  world.extend_by = 3;
  (void)world.Ask(UserVerb::kExtend);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7);
}

TEST(Core, GoesOnWithAnOpenEndedSweepUntilItIsStopped) {
  World world(2, [](const LaunchRecord&) { return Lasting(seconds(1)); });
  SweepSpec spec = GridOf(50);
  spec.method = Method::kRandom;
  world.Open(spec);
  world.RunFor(milliseconds(3'500));
  const SweepProgress progress = world.core->Progress(world.Clock()).front();
  EXPECT_EQ(progress.planned, 0);
  EXPECT_EQ(progress.waiting, 0);
  EXPECT_FALSE(progress.seconds_left);
  EXPECT_GE(progress.finished, 4);
  EXPECT_THAT(world.Ask(UserVerb::kStop, {std::int64_t{1} << 40}), HasSubstr("there is no trial"));
  world.extend_by = 3;
  EXPECT_THAT(world.Ask(UserVerb::kExtend), HasSubstr("until it is stopped"));
  (void)world.Ask(UserVerb::kStop);
  world.RunToEnd();
  const SweepChanged& last = world.store.sweeps.begin()->second.last;
  EXPECT_EQ(last.state, SweepState::kStopped);
  EXPECT_EQ(last.outcome, SweepOutcome::kStoppedByUser);
  EXPECT_EQ(last.reason.find("never started"), std::string::npos) << last.reason;
}

TEST(Core, LosesNoTrialToAnUnreachableHost) {
  World world(2, [](const LaunchRecord&) { return Lasting(seconds(5)); });
  world.Open(GridOf(4));
  world.RunFor(seconds(1));
  world.Disconnect("local");
  world.RunFor(seconds(60));
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {4}), HasSubstr("connection reset"));
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 4);
  EXPECT_EQ(world.Local().starts, 4) << "what ran while it was away is not run again";
}

// The launches of this turn were meant for the link that went in it, and are given up by what the
// next one tells in it.
TEST(Core, SendsNothingOnALinkThatItWasNotMeantFor) {
  World world(2, [](const LaunchRecord&) { return Lasting(seconds(5)); });
  world.Open(GridOf(4));
  ASSERT_FALSE(world.mailbox.empty()) << "what the search proposed";
  world.Disconnect("local");
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.Local().starts, 4);
  EXPECT_EQ(world.Local().most_running, 2);
}

TEST(Core, WaitsForASearchThatIsSlow) {
  World world(2);
  world.search_answers = false;
  world.Open(GridOf(3));
  world.RunFor(seconds(5));
  EXPECT_EQ(world.Local().starts, 0);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {1}), HasSubstr("for the search to propose"));
}

TEST(Core, AdoptsWhatRunsAfterItWasKilled) {
  World world(2, [](const LaunchRecord&) { return Reporting({3, 2, 1}); });
  world.Open(WithMetric(GridOf(4)));
  world.RunFor(milliseconds(1500));
  world.Restart();
  world.RunFor(seconds(1));
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 4);
  EXPECT_EQ(world.Local().starts, 4);
  for (std::int64_t number = 1; number <= 4; ++number)
    EXPECT_EQ(world.store.Trial(number).attempts.size(), 1U);
}

// The search for the one turn whose loss would lose or repeat a trial.
TEST(Core, SurvivesAKillAtEveryTurn) {
  for (const World::Crash crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    for (int at = 0; at < 60; ++at) {
      World world(2, [](const LaunchRecord& launch) {
        return launch.trial_number % 3 == 0 ? Reporting({2, 1}) : Reporting({1});
      });
      world.Open(WithMetric(GridOf(7)));
      int turns = 0;
      const Time patience = world.now + std::chrono::hours(1);
      bool killed = false;
      while (world.now < patience) {
        while (!world.mailbox.empty() && world.core)
          world.Turn(turns++ == at ? crash : World::Crash::kNot);
        if (!world.core) {
          killed = true;
          world.Restart();
          world.Connect("local");
        } else if (world.core->AllSweepsEnded()) {
          break;
        } else {
          world.Advance();
        }
      }
      ASSERT_TRUE(world.core && world.core->AllSweepsEnded()) << "killed at turn " << at;
      EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7) << "killed at turn " << at;
      EXPECT_EQ(world.Local().starts, 7) << "killed at turn " << at;
      if (!killed) break;
    }
  }
}

TEST(Core, GivesTheSameActionsForTheSameEvents) {
  const auto run = [] {
    World world(3,
                [](const LaunchRecord& launch) { return Failing(launch.trial_number % 5 == 0); });
    SweepSpec spec = GridOf(40);
    spec.retries = 1;
    world.Open(spec);
    world.RunToEnd();
    std::string trace;
    for (std::int64_t number = 1; number <= 40; ++number) {
      for (const auto& attempt : world.store.Trial(number).attempts)
        trace += attempt.added.token + attempt.added.slots_json;
    }
    return trace;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace core_test
}  // namespace ddl::test
