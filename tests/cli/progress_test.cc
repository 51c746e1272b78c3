// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "configs/error.h"
#include "scheduler/progress_json.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace progress_test {

using std::chrono::seconds;

const Now kNow{.monotonic = seconds(1'000), .unix_ms = 0};

SweepProgress Midway() {
  SweepProgress progress;
  progress.id = {3};
  progress.name = "fashion-mlp";
  progress.metric = "val_accuracy";
  progress.maximize = true;
  progress.planned = 96;
  progress.waiting = 46;
  progress.running = 8;
  progress.launching = 1;
  progress.finished = 36;
  progress.pruned = 3;
  progress.failed = 2;
  progress.best = 0.893412;
  progress.best_number = 17;
  progress.best_configuration =
      Json{{"optimizer.lr", 0.0123456}, {"model.hidden", {256, 128}}, {"batch_size", 128}};
  progress.trials_per_s = 1.3;
  progress.seconds_left = 34.2;
  return progress;
}

std::vector<RunningTrial> Running(int count) {
  std::vector<RunningTrial> trials;
  for (int i = 0; i < count; ++i) {
    RunningTrial trial;
    trial.number = 40 + i;
    trial.host = "local";
    trial.started = seconds(990 - 60 * i);
    if (i > 0) {
      trial.step = i;
      trial.objective = 0.8 + 0.01 * i;
    }
    trials.push_back(trial);
  }
  return trials;
}

TEST(Progress, ShowsAFrontWhereThereAreSeveralObjectives) {
  SweepProgress progress = Midway();
  progress.best.reset();
  progress.front = 7;
  progress.front_best = {{"loss", 0.0123}, {"speed", 1'200}};
  const std::string front = "front of 7: best loss 0.0123, speed 1200";
  const auto lines = ProgressLines(progress, {}, kNow, test::Plain(80));
  EXPECT_NE(std::ranges::find(lines, front), lines.end()) << test::Joined(lines);
  EXPECT_NE(PlainProgressLine(progress).find("; " + front + "; "), std::string::npos)
      << PlainProgressLine(progress);
  const SweepProgress read = ProgressFromJson(ProgressJson(progress, {})).progress;
  EXPECT_EQ(read.front, 7);
  EXPECT_EQ(read.front_best, progress.front_best);
}

std::string Screen(const Terminal& terminal) {
  return test::Joined(ProgressLines(Midway(), Running(3), kNow, terminal));
}

TEST(Progress, FillsAWideScreen) {
  EXPECT_EQ(Screen(test::Plain(120)), R"(
fashion-mlp · 41 of 96 done · 9 running · 46 waiting · 2 failed · 3 pruned
████████████████████████▓▒▒▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  42%  1.3 trials/s · 34s left
best val_accuracy 0.8934 (trial 17) batch_size=128 model.hidden=[256,128] optimizer.lr=0.01235
TRIAL  HOST     TIME  STEP  val_accuracy
   40  local     10s     -             -
   41  local  1m 10s     1          0.81
   42  local  2m 10s     2          0.82
and 5 more
)");
}

TEST(Progress, ShowsTheSpeedOfTrialsThatTellIt) {
  std::vector<RunningTrial> running = Running(2);
  running[1].samples_per_s = 91234.4;
  running[1].percent_of_limit = 84.7;
  const auto lines = ProgressLines(Midway(), running, kNow, test::Plain(120));
  EXPECT_EQ(lines.at(3), "TRIAL  HOST     TIME  STEP  val_accuracy      SAMPLES/S");
  EXPECT_EQ(lines.at(4), "   40  local     10s     -             -              -");
  EXPECT_EQ(lines.at(5), "   41  local  1m 10s     1          0.81  91,234 (85 %)");
}

TEST(Progress, FitsEightyColumns) {
  EXPECT_EQ(Screen(test::Plain(80)), R"(
fashion-mlp · 41 of 96 done · 9 running · 46 waiting · 2 failed · 3 pruned
████████████████████▓▒▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░  42%  1.3 trials/s · 34s left
best val_accuracy 0.8934 (trial 17) batch_size=128 model.hidden=[256,128]
  optimizer.lr=0.01235
TRIAL  HOST     TIME  STEP  val_accuracy
   40  local     10s     -             -
   41  local  1m 10s     1          0.81
   42  local  2m 10s     2          0.82
and 5 more
)");
}

TEST(Progress, FitsFortyColumns) {
  EXPECT_EQ(Screen(test::Plain(40)), R"(
fashion-mlp · 41 of 96 done · 9 running
  46 waiting · 2 failed · 3 pruned
████▒░░░░░  42%  1.3 trials/s · 34s left
best val_accuracy 0.8934 (trial 17)
  batch_size=128 model.hidden=[256,128]
  optimizer.lr=0.01235
TRIAL  HOST     TIME  STEP  val_accuracy
   40  local     10s     -             -
   41  local  1m 10s     1          0.81
   42  local  2m 10s     2          0.82
and 5 more
)");
}

TEST(Progress, IsAsciiWhereItMust) {
  EXPECT_EQ(Screen(test::Ascii(60)), R"(
fashion-mlp, 41 of 96 done, 9 running, 46 waiting, 2 failed
  3 pruned
############x===...............  42%  1.3 trials/s, 34s left
best val_accuracy 0.8934 (trial 17) batch_size=128
  model.hidden=[256,128] optimizer.lr=0.01235
TRIAL  HOST     TIME  STEP  val_accuracy
   40  local     10s     -             -
   41  local  1m 10s     1          0.81
   42  local  2m 10s     2          0.82
and 5 more
)");
}

TEST(Progress, FitsEveryWidthAndHeight) {
  for (int width = 10; width < 130; width += 3) {
    for (int height = 3; height < 30; ++height) {
      const auto lines = ProgressLines(Midway(), Running(40), kNow, test::Plain(width, height));
      EXPECT_LT(lines.size(), static_cast<std::size_t>(height));
      EXPECT_LE(test::Widest(lines), width);
    }
  }
}

TEST(Progress, CountsTheRunningTrialsThatDoNotFit) {
  SweepProgress many = Midway();
  many.running = 64;
  const auto lines = ProgressLines(many, Running(40), kNow, test::Plain(80, 12));
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines.back(), "and 59 more");
}

TEST(Progress, SaysWhyNothingStarts) {
  SweepProgress waiting = Midway();
  waiting.waiting_for = "2 GPUs; 1 is free on local";
  const auto lines = ProgressLines(waiting, {}, kNow, test::Plain(80));
  EXPECT_EQ(lines.back(), "waiting: 2 GPUs; 1 is free on local");
}

TEST(Progress, HasNoBarWithoutAnEnd) {
  SweepProgress endless = Midway();
  endless.planned = 0;
  endless.seconds_left.reset();
  endless.best.reset();
  EXPECT_EQ(test::Joined(ProgressLines(endless, {}, kNow, test::Plain(80))), R"(
fashion-mlp · 41 done · 9 running · 46 waiting · 2 failed · 3 pruned
1.3 trials/s
)");
}

TEST(Progress, OfAnEndedSweepSaysHowItEnded) {
  SweepProgress ended;
  ended.name = "smoke";
  ended.planned = 4;
  ended.finished = 4;
  ended.state = SweepState::kFinished;
  ended.outcome = SweepOutcome::kAllDone;
  ended.trials_per_s = 3;
  EXPECT_EQ(test::Joined(ProgressLines(ended, {}, kNow, test::Plain(60))), R"(
smoke · 4 of 4 done · all done
███████████████████████████████████████████████████████ 100%
)");
}

TEST(Progress, CannotBeDrivenByAName) {
  SweepProgress named = Midway();
  named.name = "a\x1b[2Jb\nc";
  const auto lines = ProgressLines(named, {}, kNow, test::Plain(80));
  EXPECT_TRUE(lines.front().starts_with("a^[[2Jb c · "));
}

TEST(PlainProgress, IsOneLine) {
  EXPECT_EQ(PlainProgressLine(Midway()),
            "fashion-mlp: 41/96 done, 9 running, 46 waiting, 2 failed, 3 pruned; best "
            "val_accuracy 0.8934 (trial 17); 1.3 trials/s, 34s left");
}

TEST(ProgressJson, ReadsBackAsItWas) {
  SweepProgress progress = Midway();
  progress.waiting_for = "a free core";
  progress.outcome = SweepOutcome::kLimitReached;
  const std::string text = DumpJson(ProgressJson(progress, Running(2)));
  const ProgressMessage read = ProgressFromJson(ParseJson(text, "message"));
  EXPECT_EQ(DumpJson(ProgressJson(read.progress, read.running)), text);
  EXPECT_EQ(read.progress.id, progress.id);
  EXPECT_EQ(read.progress.finished, 36);
  EXPECT_EQ(read.progress.outcome, SweepOutcome::kLimitReached);
  EXPECT_EQ(read.progress.waiting_for, "a free core");
  ASSERT_EQ(read.running.size(), 2U);
  EXPECT_EQ(read.running[1].started, seconds(930));
  EXPECT_EQ(read.running[0].step, std::nullopt);
}

TEST(ProgressJson, KeepsNumbersThatJsonCannotWrite) {
  SweepProgress progress = Midway();
  progress.best = NAN;
  progress.seconds_left = INFINITY;
  const Json message = ParseJson(DumpJson(ProgressJson(progress, {})), "message");
  const SweepProgress read = ProgressFromJson(message).progress;
  EXPECT_TRUE(std::isnan(*read.best));
  EXPECT_EQ(read.seconds_left, INFINITY);
  EXPECT_EQ(PlainProgressLine(read).find("left"), std::string::npos);
}

TEST(ProgressJson, RefusesWhatIsNoProgress) {
  EXPECT_THROW((void)ProgressFromJson(Json::object()), Error);
  EXPECT_THROW((void)ProgressFromJson(Json(3)), Error);
  Json wrong = ProgressJson(Midway(), {});
  wrong["state"] = "dreaming";
  EXPECT_THROW((void)ProgressFromJson(wrong), Error);
}

}  // namespace progress_test
}  // namespace ddl
