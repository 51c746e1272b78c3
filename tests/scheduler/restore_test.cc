// SPDX-License-Identifier: Apache-2.0
// What the next coordinator makes of what the last one left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace restore_test {

using ::testing::HasSubstr;

SweepSpec Named(const std::string& name, double cpus) {
  SweepSpec spec = GridOf(1, name);
  spec.resources.cpus = cpus;
  return spec;
}

Script ReportingOnce(Time wall) {
  Script script;
  script.wall = wall;
  script.reports.push_back({milliseconds(500), {{"loss", 1}}});
  return script;
}

TEST(Restore, KeepsTheReasonOfAnEndedSweep) {
  Script failing;
  failing.exit_code = 1;
  World world(1, [failing](const LaunchRecord&) { return failing; });
  world.Open(GridOf(2));
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);

  world.Restart();
  world.Connect("local");
  world.Reopen("grid");
  world.Settle();
  ASSERT_EQ(world.ended.size(), 2U);
  EXPECT_EQ(world.ended[1].outcome, SweepOutcome::kSomeFailed);
  EXPECT_EQ(world.ended[1].reason, "2 of 2 trials failed");
}

// As when somebody only asks about it, or stops it once more.
TEST(Restore, AnEndedSweepGoesOnByAnActAlone) {
  World world(1, [](const LaunchRecord&) { return ReportingOnce(seconds(10)); });
  world.Open(GridOf(3));
  world.RunFor(seconds(2));
  (void)world.Ask(UserVerb::kStop);
  world.RunToEnd();
  const auto starts = world.Local().starts;

  world.Restart();
  world.Connect("local");
  SweepOpened opened{world.specs.at("grid"), "text", "{}", world.store.Load("grid"), false, false};
  world.searches[opened.history->id] = MakeSearch(opened.spec, opened.history->search);
  world.Tell(opened);
  world.RunFor(seconds(20));
  EXPECT_EQ(world.Ask(UserVerb::kStop).find("grid has ended"), 0U);
  EXPECT_EQ(world.Local().starts, starts);
  (void)world.Ask(UserVerb::kRetry, {1});
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 3);
}

TEST(Restore, AnEndedSweepThatNeedsSecretsWaitsForThem) {
  World world(1, [](const LaunchRecord&) { return ReportingOnce(seconds(10)); });
  SweepSpec spec = GridOf(2);
  spec.secrets = {{.variable = "TOKEN", .secret = "token"}};
  world.specs["grid"] = spec;
  world.Tell(SweepOpened{.spec = spec,
                         .spec_text = "text",
                         .provenance_json = "{}",
                         .history = std::nullopt,
                         .secrets = {{"token", "hidden"}}});
  world.Turn();
  (void)world.Ask(UserVerb::kStop, {1});
  world.RunToEnd();

  world.Restart();
  world.Connect("local");
  SweepOpened opened{spec, "text", "{}", world.store.Load("grid"), false, false};
  world.searches[opened.history->id] = MakeSearch(opened.spec, opened.history->search);
  world.Tell(opened);
  world.Settle();
  EXPECT_THAT(world.Ask(UserVerb::kRetry, {1}), HasSubstr("it starts by ddl sweep"));
  world.RunFor(seconds(20));
  EXPECT_EQ(world.store.Trial(1).state, TrialState::kWaiting);
}

// Who hears that it has ended gives up what it needs: its code, its viewers.
TEST(Restore, DoesNotEndASweepWhoseFailedTrialsAreTriedAgain) {
  World world(1, [](const LaunchRecord& record) {
    Script script;
    script.exit_code = record.attempt == 1 ? 1 : 0;
    return script;
  });
  world.Open(GridOf(2));
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 1U);

  world.Restart();
  world.Connect("local");
  world.Reopen("grid", true);
  world.Settle();
  EXPECT_EQ(world.ended.size(), 1U);
  world.RunToEnd();
  ASSERT_EQ(world.ended.size(), 2U);
  EXPECT_EQ(world.ended[1].outcome, SweepOutcome::kAllDone);
}

TEST(Restore, KeepsTheReasonOfASweepThatIsEnding) {
  Script slow;
  slow.wall = seconds(100);
  slow.after_term = seconds(5);
  World world(1, [slow](const LaunchRecord&) { return slow; });
  world.Open(GridOf(3));
  world.RunFor(seconds(1));
  world.Ask(UserVerb::kStop);
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  ASSERT_FALSE(world.ended.empty());
  EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kStoppedByUser);
  EXPECT_THAT(world.ended.back().reason, HasSubstr("stopped by you"));
  EXPECT_EQ(world.Local().starts, 1);
}

// Both are committed, and neither launch reached the host. The user's word on the one outlives the
// coordinator, though the other's stop, by the end of the sweep, came first.
TEST(Restore, KnowsWhatTheUserStoppedFromWhatTheSweepsEndStopped) {
  World world(2, [](const LaunchRecord&) { return ReportingOnce(seconds(1)); });
  world.Open(GridOf(2));
  while (world.store.CountState(TrialState::kLaunching) < 2) {
    ASSERT_FALSE(world.mailbox.empty());
    world.Turn();
  }
  world.Kill();
  world.Local().ranks.clear();
  world.Restart();
  world.Settle();
  world.Ask(UserVerb::kStop);
  EXPECT_EQ(world.Ask(UserVerb::kStop, {2}), "trial 2 is told to stop");
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.Trial(1).state, TrialState::kWaiting);
  EXPECT_EQ(world.store.Trial(2).state, TrialState::kCanceled);
}

// The only core is given on when a rank has ended, while its last report is still on its way: the
// store has two open attempts with the same core then.
TEST(Restore, BelievesTheLaterOfTwoAttemptsWithTheSameCore) {
  for (const auto& [first, second] : {std::pair{"ends", "follows"}, {"follows", "ends"}}) {
    World world(1, [](const LaunchRecord& record) {
      return ReportingOnce(record.sweep == "ends" ? seconds(1) : seconds(100));
    });
    world.Open(Named("ends", 1));
    world.Open(Named("follows", 0.5));
    while (world.Local().starts < 2) {
      world.Advance();
      std::erase_if(world.mailbox, [](const Event& event) {
        return std::holds_alternative<MetricsArrived>(event);
      });
      world.Settle();
    }
    ASSERT_EQ(world.store.CountState(TrialState::kRunning), 2);

    world.Kill();
    world.Start();
    world.Reopen(first);
    world.Reopen(second);
    world.Connect("local");
    world.RunToEnd();
    EXPECT_EQ(world.Local().starts, 2) << first;
    EXPECT_EQ(world.store.CountState(TrialState::kFinished), 2) << first;
  }
}

TEST(Restore, SendsAKillAfterARankWhoseSupervisorMayStillBeStarting) {
  World world;
  world.Kill();
  world.Start();
  const RankId stray{JobId{99}, 0};
  std::vector<Action> actions;
  world.core->Step(HostUp{0, world.Local().facts, {{stray, "", FoundState::kLost}}, "local"},
                   world.Clock(), actions);
  const auto is_kill = [stray](const Action& action) {
    const auto* send = std::get_if<SendToHost>(&action);
    const auto* order = send != nullptr ? std::get_if<Order>(&send->message) : nullptr;
    return order != nullptr && order->id == stray && order->kind == OrderKind::kKill;
  };
  EXPECT_EQ(std::ranges::count_if(actions, is_kill), 1);
}

}  // namespace restore_test
}  // namespace ddl::test
