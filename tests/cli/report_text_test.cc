// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/ranking.h"
#include "cli/report.h"
#include "tests/cli/sample_rows.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace report_text_test {

std::string Text(const Terminal& terminal) {
  return test::Joined(ReportLines(test::SampleReport(), terminal));
}

TEST(ReportText, FillsAWideScreen) {
  EXPECT_EQ(Text(test::Plain(120)), R"(
fashion-mlp · finished: some trials failed · 23 of 24 done · 2 failed · 3 pruned
a small network

RANK  TRIAL  val_accuracy  optimizer.lr  model.hidden   optimizer.type  STATE     TIME
   1     17        0.8934       0.01235  [256,128]      sgd             finished   12s
   2      4        0.8871           0.1  [512]          adam            finished   12s
   3     21           0.7      1.23e-05  [512,512,512]  sgd             pruned     12s

best
val_accuracy 0.8934 (trial 17); target 0.89 reached
  epochs          3
  model.hidden    [256,128]
  optimizer.lr    0.0123456
  optimizer.type  sgd
as a spec that runs: ddl report --best best.yaml

learning curves
val_accuracy
0.8835 ┤                                                                           ************************************
       │                                             ******************************++++++++++
       │                                   **********++++++++++
       │                         **********
       │                  *******+++
0.5313 ┤             *****+++++
       │         ****++
       │     ****
       │  ***
0.2495 ┤**
       └───────────────────────────────────────────────────────────────────────────────────────────────────────────────
        1                                                    step                                                    12
        * trial 17  optimizer.lr=0.01235  model.hidden=[256,128]  optimizer.type=sgd
        + trial 4  optimizer.lr=0.1  model.hidden=[512]  optimizer.type=adam

failures
TRIALS  REASON       WHICH
     2  exit code 1  9, 11
their output: ddl logs 9
)");
}

TEST(ReportText, SaysWhatEarlyStoppingSaved) {
  Report report = test::SampleReport();
  report.pruning =
      PruningLine{.whole = 10, .trials = 200, .reports = 500, .paused = 120, .went_on = 30};
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(120))), testing::HasSubstr(R"(
early stopping
75 % of the reports were saved: 500 instead of 2,000
paused with a checkpoint: 120; went on later: 30
)"));
  report.pruning->paused = 0;
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(120))),
              testing::Not(testing::HasSubstr("paused")));
}

TEST(ReportText, FitsEightyColumns) {
  EXPECT_EQ(Text(test::Plain(80)), R"(
fashion-mlp · finished: some trials failed · 23 of 24 done · 2 failed · 3 pruned
a small network

RANK  TRIAL  val_accuracy        lr  hidden         type  STATE     TIME
   1     17        0.8934   0.01235  [256,128]      sgd   finished   12s
   2      4        0.8871       0.1  [512]          adam  finished   12s
   3     21           0.7  1.23e-05  [512,512,512]  sgd   pruned     12s

best
val_accuracy 0.8934 (trial 17); target 0.89 reached
  epochs          3
  model.hidden    [256,128]
  optimizer.lr    0.0123456
  optimizer.type  sgd
as a spec that runs: ddl report --best best.yaml

learning curves
val_accuracy
0.8835 ┤                                                ***********************
       │                             *******************++++++
       │                      *******++++++
       │                ******
       │            ****++
0.5313 ┤        ****+++
       │     ***++
       │   **
       │ **
0.2495 ┤*
       └───────────────────────────────────────────────────────────────────────
        1                                step                                12
        * trial 17  optimizer.lr=0.01235  model.hidden=[256,128]  optimizer.ty…
        + trial 4  optimizer.lr=0.1  model.hidden=[512]  optimizer.type=adam

failures
TRIALS  REASON       WHICH
     2  exit code 1  9, 11
their output: ddl logs 9
)");
}

TEST(ReportText, FitsFortyColumns) {
  EXPECT_EQ(Text(test::Plain(40)), R"(
fashion-mlp
  finished: some trials failed
  23 of 24 done · 2 failed · 3 pruned
a small network

RANK  TRIAL  val_accuracy        lr
   1     17        0.8934   0.01235
   2      4        0.8871       0.1
   3     21           0.7  1.23e-05
not shown here: hidden type STATE TIME

best
val_accuracy 0.8934 (trial 17); target …
  epochs          3
  model.hidden    [256,128]
  optimizer.lr    0.0123456
  optimizer.type  sgd
as a spec that runs: ddl report --best …

learning curves
val_accuracy
0.8835 ┤                     **********
       │             ********+++
       │          ***++
       │       ***
       │     **+
0.5313 ┤    *+
       │   *
       │  *
       │ *
0.2495 ┤*
       └───────────────────────────────
        1            step            12
        * trial 17  optimizer.lr=0.012…
        + trial 4  optimizer.lr=0.1  m…

failures
TRIALS  REASON       WHICH
     2  exit code 1  9, 11
their output: ddl logs 9
)");
}

TEST(ReportText, RanksOnlyWhatFinishedOrWasPruned) {
  Report report = test::SampleReport();
  report.trials.back().state = TrialState::kRunning;
  const std::string text = test::Joined(ReportLines(report, test::Plain(120)));
  EXPECT_THAT(text, testing::HasSubstr("\n   2      4        0.8871"));
  EXPECT_THAT(text, testing::HasSubstr("\n   -     21           0.7"));
}

TEST(ReportText, NamesTheSweepInCommandsToCopy) {
  Report report = test::SampleReport();
  report.name_word = "'my sweep'";
  report.store_words = " --store there";
  const std::string text = test::Joined(ReportLines(report, test::Plain(120)));
  EXPECT_THAT(text,
              testing::HasSubstr("runs: ddl report 'my sweep' --store there --best best.yaml\n"));
  EXPECT_THAT(text, testing::HasSubstr("output: ddl logs 'my sweep'/9 --store there\n"));
}

TEST(ReportText, FitsEveryWidth) {
  for (int width = 24; width < 140; ++width)
    EXPECT_LE(test::Widest(ReportLines(test::SampleReport(), test::Plain(width))), width);
}

TEST(ReportText, HasNoEscapesInAPipe) {
  const std::string text = Text(test::Pipe());
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("[512,512,512]"), std::string::npos);
}

TEST(ReportText, ShowsTheSpreadOverSeeds) {
  Report report = test::SampleReport();
  report.seeds = 3;
  report.curves.clear();
  report.failures.clear();
  ConfigurationLine first;
  first.params_json = R"({"optimizer.lr": 0.01, "model.hidden": [512], "optimizer.type": "sgd"})";
  first.first_trial_number = 4;
  first.ended = 3;
  first.mean = 0.89341;
  first.deviation = 0.00213;
  first.min = 0.8911;
  first.max = 0.8959;
  ConfigurationLine single = first;
  single.first_trial_number = 7;
  single.ended = 1;
  single.mean = 0.8801;
  single.deviation = 0;
  ConfigurationLine none = first;
  none.first_trial_number = 10;
  none.ended = 0;
  report.configurations = {first, single, none};
  EXPECT_EQ(test::Joined(ReportLines(report, test::Plain(100))), R"(
fashion-mlp · finished: some trials failed · 23 of 24 done · 2 failed · 3 pruned
a small network

RANK     val_accuracy  SEEDS    lr  hidden  type     MIN     MAX  TRIALS FROM
   1  0.8934 ± 0.0021      3  0.01  [512]   sgd   0.8911  0.8959            4
   2           0.8801      1  0.01  [512]   sgd   0.8911  0.8959            7
   -                -      0  0.01  [512]   sgd        -       -           10

best
val_accuracy 0.8934 (mean over seeds, trials from 4); target 0.89 reached
  model.hidden    [512]
  optimizer.lr    0.01
  optimizer.type  sgd
as a spec that runs: ddl report --best best.yaml
)");
}

TEST(ReportText, TellsTheSpeedWhereTrialsTellIt) {
  Report report;
  report.sweep.name = "fast";
  report.trials = {test::SampleTrial(1, 0.5, {{"n", 1}})};
  report.speed = ReportSpeed{.trials = 9, .samples_per_s = 91234.4};
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(100))),
              testing::HasSubstr("\nspeed\n91,234 samples/s (median of 9)\n"));
  report.speed->gflops = 95.61;
  report.speed->percent_of_limit = 85.2;
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(100))),
              testing::HasSubstr("91,234 samples/s, 95.6 GFLOP/s, 85 % of what the host was "
                                 "measured to reach (median of 9)\n"));
  report.speed->joules = 1234.4;
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(100))),
              testing::HasSubstr("measured to reach, 1,234 J a trial (median of 9)\n"));
}

TEST(ReportText, OfASweepWithoutMetricListsTrials) {
  Report report;
  report.sweep.name = "true";
  report.sweep.trials_planned = 2;
  report.sweep.counts.by_state = {{TrialState::kFinished, 2}};
  report.varying = {"n"};
  report.trials = {test::SampleTrial(1, 0, {{"n", 1}}), test::SampleTrial(2, 0, {{"n", 2}})};
  for (TrialLine& trial : report.trials)
    trial.objective.reset();
  EXPECT_EQ(test::Joined(ReportLines(report, test::Plain(80))), R"(
true · running · 2 of 2 done

TRIAL  n  STATE     TIME
    1  1  finished   12s
    2  2  finished   12s
)");
}

TEST(ReportText, SaysThatNothingWasReportedYet) {
  Report report;
  report.sweep = test::SampleSweep();
  report.sweep.counts.by_state = {{TrialState::kRunning, 2}};
  report.sweep.state = SweepState::kRunning;
  report.sweep.outcome = SweepOutcome::kNone;
  EXPECT_EQ(test::Joined(ReportLines(report, test::Plain(80))), R"(
fashion-mlp · running · 0 of 24 done · 2 running
a small network

best
no trial has reported val_accuracy yet
)");
}

TEST(ShortNames, AreTheShortestEndingsThatDiffer) {
  const std::vector<std::string> names{"optimizer.lr", "model.hidden", "a.b.type", "a.c.type",
                                       "lr2"};
  EXPECT_EQ(ShortNames(names),
            (std::vector<std::string>{"lr", "hidden", "b.type", "c.type", "lr2"}));
  EXPECT_EQ(ShortNames(std::vector<std::string>{"lr", "optimizer.lr"}),
            (std::vector<std::string>{"lr", "optimizer.lr"}));
}

}  // namespace report_text_test
}  // namespace ddl
