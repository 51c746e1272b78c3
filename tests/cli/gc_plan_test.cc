// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ddl {
namespace gc_plan_test {

constexpr std::int64_t kDay = 24LL * 60 * 60 * 1000;
constexpr GcRules kRules{.keep_best = 1, .keep_days = 30, .now_ms = 100 * kDay};

// An ended trial with one job, everything of it old, settled and saved.
GcTrial OldTrial(std::int64_t number, double objective) {
  return {.sweep = {1},
          .sweep_name = "mlp",
          .number = number,
          .id = {100 + number},
          .state = TrialState::kFinished,
          .objective = objective,
          .ended_ms = 10 * kDay,
          .jobs = {{.rank = {{number}, 0},
                    .is_settled = true,
                    .is_saved = true,
                    .ended_ms = 10 * kDay,
                    .folder = {4, 40'000},
                    .plain_logs = {1, 20'000}}},
          .checkpoints = FolderSize{2, 80'000}};
}

GcSweep Sweep(std::vector<GcTrial> trials, bool maximize = false) {
  return {.metric = "loss", .maximize = maximize, .trials = std::move(trials)};
}

std::vector<std::string> Steps(const GcPlan& plan) {
  std::vector<std::string> words;
  for (const GcStep& step : plan.steps) {
    const char* word = step.action == GcAction::kCompressLogs        ? "compress "
                       : step.action == GcAction::kRemoveCheckpoints ? "checkpoints "
                                                                     : "job ";
    words.push_back(word + std::to_string(step.number));
  }
  std::ranges::sort(words);
  return words;
}
using Words = std::vector<std::string>;

TEST(GcPlan, KeepsTheBestByTheGoalOfTheSweep) {
  const std::vector<GcTrial> trials{OldTrial(1, 0.5), OldTrial(2, 0.1), OldTrial(3, 0.9)};
  EXPECT_EQ(Steps(PlanGc({Sweep(trials)}, kRules)),
            (Words{"checkpoints 1", "checkpoints 3", "compress 2", "job 1", "job 3"}));
  EXPECT_EQ(Steps(PlanGc({Sweep(trials, true)}, kRules)),
            (Words{"checkpoints 1", "checkpoints 2", "compress 3", "job 1", "job 2"}));
}

TEST(GcPlan, KeepsTheLastToEndWithoutAMetric) {
  GcSweep sweep = Sweep({OldTrial(1, 0), OldTrial(2, 0)});
  sweep.metric.clear();
  for (GcTrial& trial : sweep.trials)
    trial.objective.reset();
  sweep.trials[0].ended_ms += 1;
  EXPECT_EQ(Steps(PlanGc({sweep}, kRules)), (Words{"checkpoints 2", "compress 1", "job 2"}));
}

TEST(GcPlan, KeepsAsManyAsTheSpecSaysUnlessToldOtherwise) {
  GcSweep sweep = Sweep({OldTrial(1, 0.5), OldTrial(2, 0.1), OldTrial(3, 0.9)});
  sweep.keep_best = 2;
  GcRules rules = kRules;
  rules.keep_best.reset();
  EXPECT_EQ(Steps(PlanGc({sweep}, rules)),
            (Words{"checkpoints 3", "compress 1", "compress 2", "job 3"}));
  EXPECT_EQ(Steps(PlanGc({sweep}, kRules)).size(), 5U);
}

TEST(GcPlan, KeepsAllOfAFront) {
  GcSweep sweep = Sweep({OldTrial(1, 0.5), OldTrial(2, 0.1), OldTrial(3, 0.9)});
  sweep.front = {1, 3};
  const GcPlan plan = PlanGc({sweep}, kRules);
  EXPECT_EQ(Steps(plan), (Words{"checkpoints 2", "compress 1", "compress 3", "job 2"}));
  EXPECT_EQ(plan.kept.front().why, "on the front");
}

TEST(GcPlan, FailedTrialsAreNeverTheBest) {
  GcTrial failed = OldTrial(1, 0.0);
  failed.state = TrialState::kFailed;
  EXPECT_EQ(Steps(PlanGc({Sweep({failed, OldTrial(2, 0.7)})}, kRules)),
            (Words{"checkpoints 1", "compress 2", "job 1"}));
}

TEST(GcPlan, TouchesNothingOfATrialThatMayGoOn) {
  for (const TrialState state : {TrialState::kWaiting, TrialState::kLaunching, TrialState::kRunning,
                                 TrialState::kPaused, TrialState::kStopping}) {
    GcTrial trial = OldTrial(1, 0.5);
    trial.state = state;
    EXPECT_EQ(Steps(PlanGc({Sweep({trial})}, {0, 0, kRules.now_ms})), Words{}) << ToString(state);
  }
  GcTrial open = OldTrial(1, 0.5);
  open.has_open_attempt = true;
  EXPECT_EQ(Steps(PlanGc({Sweep({open})}, {0, 0, kRules.now_ms})), Words{});
}

TEST(GcPlan, TouchesNothingOfATrialThatIsNotSettled) {
  GcTrial trial = OldTrial(1, 0.5);
  trial.jobs.push_back(trial.jobs.front());
  trial.jobs.back().is_settled = false;  // an earlier attempt whose supervisor was killed
  const GcPlan plan = PlanGc({Sweep({trial})}, {0, 0, kRules.now_ms});
  EXPECT_EQ(Steps(plan), Words{});
  ASSERT_FALSE(plan.kept.empty());
  EXPECT_NE(plan.kept.front().why.find("not settled"), std::string::npos);
}

TEST(GcPlan, WithoutABackupOnlyLogsAreCompressed) {
  GcTrial trial = OldTrial(1, 0.5);
  trial.jobs.front().is_saved = false;
  EXPECT_EQ(Steps(PlanGc({Sweep({trial})}, {0, 30, kRules.now_ms})), Words{"compress 1"});
}

TEST(GcPlan, JobFoldersStayForSoManyDays) {
  GcTrial trial = OldTrial(1, 0.5);
  trial.jobs.front().ended_ms = kRules.now_ms - 30 * kDay + 1;
  EXPECT_EQ(Steps(PlanGc({Sweep({trial})}, {0, 30, kRules.now_ms})),
            (Words{"checkpoints 1", "compress 1"}));
  trial.jobs.front().ended_ms -= 1;
  EXPECT_EQ(Steps(PlanGc({Sweep({trial})}, {0, 30, kRules.now_ms})),
            (Words{"checkpoints 1", "job 1"}));
}

TEST(GcPlan, DoesNothingTwice) {
  GcTrial trial = OldTrial(1, 0.5);
  trial.jobs.front().plain_logs = {};
  EXPECT_EQ(Steps(PlanGc({Sweep({trial})}, {1, 30, kRules.now_ms})), Words{});
}

TEST(GcPlan, CountsWhatStaysAndWhy) {
  const GcPlan plan = PlanGc({Sweep({OldTrial(1, 0.5), OldTrial(2, 0.6)})}, {2, 30, kRules.now_ms});
  ASSERT_EQ(plan.kept.size(), 2U);
  EXPECT_EQ(plan.kept[0].what, "job folders");
  EXPECT_EQ(plan.kept[0].folders, 2);
  EXPECT_EQ(plan.kept[0].why, "of the best 2");
  EXPECT_EQ(plan.kept[1].size, (FolderSize{4, 160'000}));
}

}  // namespace gc_plan_test
}  // namespace ddl
