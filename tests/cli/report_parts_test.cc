// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/csv.h"
#include "cli/report.h"
#include "cli/sweep_json.h"
#include "tests/cli/sample_rows.h"

namespace ddl {
namespace report_parts_test {

TEST(VaryingParameters, LeavesOutWhatHasOneValueOnly) {
  Space space(5);
  space[0].path = {"optimizer", "lr"};
  space[0].distribution = Distribution::kLogUniformValues;
  space[1].path = {"epochs"};
  space[1].values = {3};
  space[2].path = {"hidden"};
  space[2].distribution = Distribution::kCategorical;
  space[2].values = {1, 2};
  space[3].path = {"one"};
  space[3].distribution = Distribution::kCategorical;
  space[3].values = {1};
  space[4].path = {"same"};
  space[4].distribution = Distribution::kIntUniform;
  space[4].min = space[4].max = 4;
  EXPECT_EQ(VaryingParameters(space), (std::vector<std::string>{"optimizer.lr", "hidden"}));
}

TEST(GroupFailures, PutsTheMostFrequentFirst) {
  std::vector<TrialLine> failed{test::FailedTrial(1, "out of memory")};
  for (int i = 2; i < 10; ++i)
    failed.push_back(test::FailedTrial(i, "exit code 1"));
  const auto groups = GroupFailures(failed);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].reason, "exit code 1");
  EXPECT_EQ(groups[0].count, 8);
  EXPECT_EQ(groups[0].trials, (std::vector<std::int64_t>{2, 3, 4, 5, 6}));
  EXPECT_EQ(groups[1].count, 1);
}

CurvePoint At(std::int64_t step, int attempt) {
  return {.step = step, .elapsed_ms = 0, .attempt = attempt, .value = 0};
}

TEST(ServedCurve, DropsWhatALaterAttemptReportedAgain) {
  const auto served = ServedCurve({At(1, 1), At(2, 1), At(3, 1), At(2, 2), At(3, 2), At(4, 2)});
  ASSERT_EQ(served.size(), 4U);
  EXPECT_EQ(served[0].attempt, 1);
  EXPECT_EQ(served[1].attempt, 2);
  EXPECT_EQ(served[1].step, 2);
  EXPECT_EQ(served.back().step, 4);
}

TEST(ServedCurve, KeepsEqualStepsOfOneAttempt) {
  EXPECT_EQ(ServedCurve({At(1, 1), At(1, 1), At(2, 1)}).size(), 3U);
}

TEST(BestOf, IsTheFirstTrialThatHasAValue) {
  Report report = test::SampleReport();
  EXPECT_EQ(BestOf(report)->trial, 17);
  EXPECT_EQ(BestOf(report)->parameters.at("epochs"), 3);
  for (TrialLine& trial : report.trials)
    trial.objective.reset();
  EXPECT_FALSE(BestOf(report).has_value());
  EXPECT_FALSE(BestOf(Report()).has_value());
}

TEST(BestOf, IsNoTrialThatFailedOrStillRuns) {
  Report report = test::SampleReport();
  report.trials[0].state = TrialState::kFailed;
  report.trials[1].state = TrialState::kRunning;
  EXPECT_EQ(BestOf(report)->trial, 21) << "which was pruned";
  EXPECT_EQ(ReportJson(report).at("best").at("trial"), 21);
  report.trials[2].state = TrialState::kCanceled;
  EXPECT_FALSE(BestOf(report).has_value());
}

TEST(BestOf, IsTheBestMeanWithSeveralSeeds) {
  Report report = test::SampleReport();
  report.seeds = 3;
  EXPECT_FALSE(BestOf(report).has_value());
  ConfigurationLine line;
  line.first_trial_number = 4;
  line.ended = 3;
  line.mean = 0.5;
  line.params_json = R"({"lr": 1})";
  report.configurations = {line};
  EXPECT_EQ(BestOf(report)->trial, 4);
  EXPECT_EQ(BestOf(report)->value, 0.5);
}

TEST(ReportJson, HoldsEveryPart) {
  const Json json = ReportJson(test::SampleReport());
  EXPECT_EQ(json.at("sweep").at("sweep"), "fashion-mlp");
  EXPECT_EQ(json.at("sweep").at("counts").at("waiting"), 1);
  EXPECT_EQ(json.at("best").at("trial"), 17);
  EXPECT_EQ(json.at("trials").size(), 3U);
  EXPECT_EQ(json.at("trials").at(2).at("state"), "pruned");
  EXPECT_EQ(json.at("curves").at(0).at("points").size(), 12U);
  EXPECT_EQ(json.at("failures").at(0).at("count"), 2);
  EXPECT_EQ(json.at("target"), 0.89);
}

TEST(ReportJson, SaysWhatEarlyStoppingSaved) {
  Report report = test::SampleReport();
  report.pruning =
      PruningLine{.whole = 10, .trials = 20, .reports = 50, .paused = 12, .went_on = 3};
  const Json json = ReportJson(report).at("pruning");
  EXPECT_EQ(json.at("saved"), 0.75);
  EXPECT_EQ(json.at("paused"), 12);
  EXPECT_EQ(json.at("went_on"), 3);
}

TEST(SweepJson, CountsTrialsWithoutARowAsWaiting) {
  SweepLine sweep = test::SampleSweep();
  sweep.trials_planned = 100'000;
  EXPECT_EQ(WaitingCount(sweep), 100'000 - 23);
  EXPECT_EQ(EndedCount(sweep.counts), 23);
}

TEST(ParametersOf, SurvivesADamagedRow) {
  EXPECT_EQ(ParametersOf("{broken"), Json::object());
  EXPECT_EQ(ParametersOf("[1]"), Json::object());
  EXPECT_EQ(ParametersOf(R"({"a": 1})").at("a"), 1);
}

TEST(Csv, QuotesWhereItMust) {
  EXPECT_EQ(CsvField("plain"), "plain");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"hi\"\n"), "\"say \"\"hi\"\"\n\"");
}

TEST(Csv, WritesOneRowATrial) {
  const std::vector<std::string> parameters{"model.hidden", "optimizer.lr", "missing"};
  EXPECT_EQ(CsvHeader(test::SampleSweep(), parameters),
            "trial,configuration,seed_index,state,reason,attempts,val_accuracy,best val_accuracy,"
            "started_ms,ended_ms,model.hidden,optimizer.lr,missing\n");
  EXPECT_EQ(CsvRow(test::SampleReport().trials.front(), parameters),
            "17,16,0,finished,,1,0.893412,0.894412,1795421657000,1795421669345,"
            "\"[256,128]\",0.0123456,\n");
  EXPECT_EQ(CsvRow(test::FailedTrial(9, "exit code 1, after 2 tries"), {}),
            "9,8,0,failed,\"exit code 1, after 2 tries\",1,,,1795421649000,1795421661345\n");
}

}  // namespace report_parts_test
}  // namespace ddl
