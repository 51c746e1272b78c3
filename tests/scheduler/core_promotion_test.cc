// SPDX-License-Identifier: Apache-2.0
// Trials that their pruner pauses and takes up again, in a world in memory.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_promotion_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFar = "ssh://far";

// Trial n reports a loss of n four times, a second each. At its first report the best half goes on:
// 1, then 2 once the fourth has come, then 3 with the sixth.
class CorePromotion : public ::testing::Test {
 protected:
  CorePromotion() {
    spec = GridOf(6);
    spec.metric = Metric{.name = "loss"};
    spec.early_terminate = EarlyTerminate{.type = PrunerType::kAsha, .max_iter = 2, .eta = 2};
  }

  // Leaves with a checkpoint when it is told to, and goes on from its last report.
  [[nodiscard]] Script Continuing(const LaunchRecord& record) {
    brought[record.id.job] = record.brought_checkpoint;
    Script script;
    const std::int64_t done = begins_anew ? 0 : ReportsOf(record.trial_number);
    for (std::int64_t step = done + 1; step <= 4; ++step) {
      const auto loss = static_cast<double>(record.trial_number);
      script.reports.push_back({seconds(step - done), {{"loss", loss}}, step});
    }
    script.wall = milliseconds(100) + seconds(4 - done);
    script.exit_code_on_term = exit_code_on_term;
    return script;
  }
  [[nodiscard]] FakeHost::Plan Plan() {
    return [this](const LaunchRecord& record) { return Continuing(record); };
  }
  [[nodiscard]] std::int64_t ReportsOf(std::int64_t number) {
    std::int64_t reports = 0;
    if (!world.store.HasTrial(number)) return reports;
    for (const StoredAttempt& attempt : world.store.Trial(number).attempts)
      reports += attempt.mark;
    return reports;
  }
  [[nodiscard]] std::vector<TrialState> States() {
    std::vector<TrialState> states;
    for (std::int64_t number = 1; number <= 6; ++number)
      states.push_back(world.store.Trial(number).state);
    return states;
  }
  // Those that started: a launch that was lost with its coordinator is none.
  [[nodiscard]] std::vector<std::size_t> Attempts() {
    std::vector<std::size_t> attempts;
    for (std::int64_t number = 1; number <= 6; ++number)
      attempts.push_back(static_cast<std::size_t>(
          std::ranges::count_if(world.store.Trial(number).attempts, &StoredAttempt::started)));
    return attempts;
  }
  void AddFarHost() {
    world.hosts[kFar] = std::make_unique<FakeHost>(1, Plan());
    world.Connect(kFar);
    spec.hosts = {"local", kFar};
    spec.lost_after = seconds(60);
  }
  [[nodiscard]] const std::string& HostOf(std::int64_t number) {
    return world.store.Trial(number).attempts.back().added.host;
  }

  std::map<JobId, std::string> brought;  // the checkpoint that a launch was given
  bool begins_anew = false;
  int exit_code_on_term = 75;
  World world{1, Plan()};
  SweepSpec spec;
};

TEST_F(CorePromotion, PausesWhomItStopsAndSaysWhy) {
  world.Open(spec);
  world.RunFor(milliseconds(6'500));
  const StoredTrial& second = world.store.Trial(2);
  EXPECT_EQ(second.state, TrialState::kPaused);
  EXPECT_EQ(second.reason,
            "paused by its pruner: at report 1 in place 2 of 2; only the best goes on");
  EXPECT_EQ(second.attempts.back().ended->detail, second.reason);
  EXPECT_EQ(second.failures, 0);
  EXPECT_EQ(world.Progress().paused, 2);
  EXPECT_EQ(world.Progress().held, 2);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {2}),
              HasSubstr("was paused by its pruner: at report 1 in place 2 of 2; only the best goes "
                        "on. It goes on by itself should others turn out to be worse"));
}

TEST_F(CorePromotion, TakesUpWhoBelongsToTheBestBeforeAnythingNewStarts) {
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.ended.at(0).outcome, SweepOutcome::kAllDone);
  using enum TrialState;
  EXPECT_THAT(States(), ElementsAre(kFinished, kFinished, kFinished, kPruned, kPruned, kPruned));
  EXPECT_THAT(Attempts(), ElementsAre(1, 2, 2, 1, 1, 1));
  EXPECT_EQ(ReportsOf(2), 4) << "none twice";
  EXPECT_LT(world.store.Trial(2).attempts[1].added.job, world.store.Trial(5).attempts[0].added.job);
  EXPECT_EQ(world.store.Trial(4).reason, "pruned: at report 1 in place 4 of 4; the best 2 go on");
}

TEST_F(CorePromotion, IsTheUsersToo) {
  world.Open(spec);
  world.RunFor(milliseconds(6'500));
  world.Ask(UserVerb::kPause);
  world.RunFor(seconds(1));
  EXPECT_THAT(world.Ask(UserVerb::kResume, {3}), HasSubstr("trial 3 goes on"));
  EXPECT_EQ(world.store.Trial(3).reason, "promoted by you");
}

TEST_F(CorePromotion, StopsForGoodWhoLeavesWithoutACheckpoint) {
  exit_code_on_term = -1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kPruned), 5);
  EXPECT_EQ(world.Local().starts, 6);
}

TEST_F(CorePromotion, StopsForGoodWhereTheSpecSaysSo) {
  spec.early_terminate->promote = false;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kPruned), 5);
  EXPECT_EQ(world.Local().starts, 6);
}

// The pruner's word is older than the promotion: what the trial goes through again says nothing.
TEST_F(CorePromotion, CountsNoReportTwiceOfOneThatBeginsAnew) {
  begins_anew = true;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_THAT(Attempts(), ElementsAre(1, 2, 2, 1, 1, 1));
  EXPECT_EQ(ReportsOf(2), 5);
}

TEST_F(CorePromotion, LosesNobodyWhoeverIsKilledAtAnyMoment) {
  for (const auto crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    bool has_crashed = true;
    for (int at = 1; has_crashed; ++at) {
      SCOPED_TRACE(at);
      world = World(1, Plan());
      world.Open(spec);
      has_crashed = false;
      for (int turn = 1; !world.mailbox.empty() || !world.core->AllSweepsEnded(); ++turn) {
        if (world.mailbox.empty()) world.Advance();
        has_crashed |= turn == at;
        world.Turn(turn == at ? crash : World::Crash::kNot);
        if (turn != at) continue;
        world.Restart();
        world.Connect("local");
      }
      // Whose launch was lost waits a second, so that they may come in another order. In any, those
      // of the best half have gone on.
      using enum TrialState;
      for (const TrialState state : States())
        ASSERT_TRUE(state == kFinished || state == kPruned) << ToString(state);
      for (const std::size_t attempts : Attempts())
        ASSERT_LE(attempts, 2U) << "promoted twice";
      for (const std::int64_t number : {1, 2, 3})
        ASSERT_EQ(ReportsOf(number), 4) << number;
    }
  }
}

TEST_F(CorePromotion, LeavesTheUserTheLastWord) {
  world.Open(spec);
  world.RunFor(milliseconds(6'500));
  ASSERT_EQ(world.store.CountState(TrialState::kPaused), 2);
  EXPECT_THAT(world.Ask(UserVerb::kRetry, {3}), HasSubstr("it goes on by `ddl resume`"));
  EXPECT_THAT(world.Ask(UserVerb::kResume), HasSubstr("with 0 paused trials"));
  EXPECT_THAT(world.Ask(UserVerb::kStop, {2}), HasSubstr("is canceled"));
  EXPECT_THAT(world.Ask(UserVerb::kResume, {3}), HasSubstr("goes on"));
  world.RunToEnd();
  using enum TrialState;
  EXPECT_THAT(States(), ElementsAre(kFinished, kCanceled, kFinished, kPruned, kPruned, kPruned));
  EXPECT_THAT(Attempts(), ElementsAre(1, 1, 2, 1, 1, 1));
}

TEST_F(CorePromotion, PrunesForGoodWhenSomethingElseEndsTheSweep) {
  world.Open(spec);
  world.RunFor(milliseconds(6'500));
  world.Ask(UserVerb::kStop);
  world.RunToEnd();
  EXPECT_EQ(world.ended.at(0).outcome, SweepOutcome::kStoppedByUser);
  EXPECT_EQ(world.store.Trial(2).state, TrialState::kPruned);
  EXPECT_EQ(world.store.Trial(3).state, TrialState::kPruned);
  EXPECT_EQ(world.store.CountState(TrialState::kPaused), 0);
}

TEST_F(CorePromotion, DoesNotEndASweepInWhichTheUserPausedATrial) {
  world.Open(spec);
  world.RunFor(milliseconds(500));
  world.Ask(UserVerb::kPause, {1});
  world.RunFor(seconds(60));
  EXPECT_FALSE(world.core->AllSweepsEnded());
  EXPECT_GT(world.store.CountState(TrialState::kPaused), 1) << "who is held may yet be promoted";
  EXPECT_THAT(world.Ask(UserVerb::kResume), HasSubstr("with 1 paused trials"));
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kPaused), 0);
}

TEST_F(CorePromotion, TellsTheSearchAtOnceAndAgainAtTheEnd) {
  spec.space[0].distribution = Distribution::kUniform;
  spec.space[0].values.clear();
  spec.space[0].min = 0;
  spec.space[0].max = 1;
  spec.method = Method::kTpe;
  spec.run_cap = 6;
  world.Open(spec);
  world.RunToEnd();
  std::map<std::int64_t, std::vector<std::string>> told;
  for (const SearchStep& step : world.store.search.at(SweepId{1})) {
    if (step.outcome_json.empty()) continue;
    told[step.configuration].push_back(ParseJson(step.outcome_json, "step").at("outcome"));
  }
  EXPECT_THAT(told[0], ElementsAre("finished"));
  EXPECT_THAT(told[1], ElementsAre("pruned", "finished"));
  EXPECT_THAT(told[3], ElementsAre("pruned")) << "what is pruned for good is known already";
}

// Where it lies, or where it was brought.
TEST_F(CorePromotion, GoesOnFromItsCheckpointOnWhicheverHost) {
  AddFarHost();
  world.Open(spec);
  world.RunFor(milliseconds(1'500));
  ASSERT_EQ(HostOf(2), kFar);
  world.RunToEnd();
  EXPECT_EQ(world.store.Trial(2).attempts.size(), 2U);
  int moved = 0;
  for (const auto& [id, trial] : world.store.trials) {
    for (std::size_t i = 1; i < trial.attempts.size(); ++i) {
      const bool is_moved = trial.attempts[i].added.host != trial.attempts[i - 1].added.host;
      const std::string& from = brought.at(trial.attempts[i].added.job);
      EXPECT_EQ(from.empty(), !is_moved) << trial.added.number;
      moved += is_moved ? 1 : 0;
    }
  }
  EXPECT_EQ(moved, 1);
  EXPECT_EQ(ReportsOf(2), 4) << "none twice";
}

class CorePromotionAfar : public CorePromotion {
 protected:
  // Trials 2, 3 and 4 begin there, and the host goes while 4 runs; 5 has its turn here, and with
  // its report 2 is one of the best two of four.
  void PromoteWithoutItsHost() {
    spec.space[0].values.resize(5);
    AddFarHost();
    world.Open(spec);
    world.RunFor(milliseconds(2'500));
    ASSERT_EQ(HostOf(2), kFar);
    ASSERT_EQ(HostOf(3), kFar);
    world.Disconnect(kFar);
    world.RunFor(seconds(15));
    ASSERT_THAT(world.store.Trial(2).reason, HasSubstr("promoted: "));
  }
};

TEST_F(CorePromotionAfar, WaitsForTheHostOfItsCheckpoint) {
  PromoteWithoutItsHost();
  EXPECT_EQ(world.store.Trial(2).attempts.size(), 1U) << "begun anew elsewhere";
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {2}),
              HasSubstr("waits (promoted: at report 1 now in place 2 of 4) for room on ssh://far, "
                        "where its checkpoint lies"));
  world.Connect(kFar);
  world.RunToEnd();
  EXPECT_EQ(HostOf(2), kFar);
  EXPECT_EQ(ReportsOf(2), 4);
}

TEST_F(CorePromotionAfar, KnowsThatAfterARestart) {
  PromoteWithoutItsHost();
  world.Restart();
  world.Connect("local");
  world.RunFor(seconds(20));
  EXPECT_EQ(world.store.Trial(2).attempts.size(), 1U);
  world.Connect(kFar);
  world.RunToEnd();
  EXPECT_EQ(HostOf(2), kFar);
}

TEST_F(CorePromotionAfar, BeginsAnewElsewhereOnceItsHostIsGone) {
  PromoteWithoutItsHost();
  world.RunFor(seconds(60));
  EXPECT_EQ(HostOf(2), "local");
}

TEST_F(CorePromotionAfar, BeginsAnewElsewhereOnceItsHostIsDrained) {
  PromoteWithoutItsHost();
  UserAsked drain{.request = 99, .verb = UserVerb::kDrainHost};
  drain.host = kFar;
  world.Tell(drain);
  world.RunFor(seconds(1));
  EXPECT_EQ(HostOf(2), "local");
}

}  // namespace core_promotion_test
}  // namespace ddl::test
