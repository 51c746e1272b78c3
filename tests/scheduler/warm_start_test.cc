// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/warm_start.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "scheduler/search/csv_rows.h"

namespace ddl {
namespace warm_start_test {

using testing::ElementsAre;
using testing::HasSubstr;

SweepSpec Spec() {
  SweepSpec spec;
  spec.metric = Metric{.name = "loss"};
  spec.space = {
      {.path = {"kind"}, .distribution = Distribution::kCategorical, .values = {"adam", "s,gd"}},
      {.path = {"momentum"}, .distribution = Distribution::kUniform, .min = 0, .max = 1},
      {.path = {"size"}, .distribution = Distribution::kCategorical, .values = {{1, 2}, 3, true}},
      {.path = {"twice"}, .values = {nullptr}, .expr = "2 * momentum"},
      {.path = {"fixed"}, .values = {7}}};
  spec.space[1].when = {"kind != 'adam'"};
  return spec;
}

constexpr const char* kHeader =
    "trial,configuration,seed_index,state,reason,attempts,loss,best loss,started_ms,ended_ms,kind,"
    "momentum,size,twice,fixed\n";

std::string Refusal(const std::string& csv, const SweepSpec& spec = Spec()) {
  try {
    (void)ReadPastResults(csv, "results.csv", spec);
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(WarmStart, TakesWhatAReportWrites) {
  const PastResults past =
      ReadPastResults(std::string(kHeader) +
                          "1,0,0,finished,,1,0.5,0.4,1,2,\"s,gd\",0.25,\"[1,2]\",0.5,7\n"
                          "2,0,1,finished,,1,1.5,1.4,1,2,\"s,gd\",0.25,\"[1,2]\",0.5,7\n"
                          "3,1,0,finished,\"a, b\",1,2,2,1,2,adam,,3,,7\n"
                          "5,2,0,failed,\"exit\n1\",3,,,1,2,adam,,true,,7\n"
                          "6,3,0,pruned,,1,9,9,1,2,adam,,3,,7\n"
                          "7,4,0,running,,1,8,8,1,2,adam,,3,,7\n"
                          "8,5,0,finished,,1,NaN,,1,2,adam,,3,,7\r\n",
                      "results.csv", Spec());
  ASSERT_EQ(past.results.size(), 4U);
  EXPECT_EQ(past.left_out, 0);
  EXPECT_EQ(
      past.results[0].configuration,
      Json({{"kind", "s,gd"}, {"momentum", 0.25}, {"size", {1, 2}}, {"twice", 0.5}, {"fixed", 7}}));
  EXPECT_THAT(past.results[0].values, ElementsAre(1.0)) << "the mean over seeds";
  EXPECT_EQ(past.results[0].state, TrialState::kFinished);
  EXPECT_EQ(past.results[1].configuration, Json({{"kind", "adam"}, {"size", 3}, {"fixed", 7}}));
  EXPECT_EQ(past.results[2].state, TrialState::kFailed);
  EXPECT_EQ(past.results[2].configuration.at("size"), true);
  EXPECT_EQ(past.results[3].state, TrialState::kPruned);
  EXPECT_THAT(past.results[3].values, ElementsAre(9));
}

TEST(WarmStart, TakesTablesOfOthersToo) {
  SweepSpec spec = Spec();
  spec.objectives = {{"loss", Goal::kMinimize, {}}, {"speed", Goal::kMaximize, {}}};
  const PastResults past = ReadPastResults(
      "speed,size,loss,momentum,kind,more\n100,3,0.5,0.25,\"s,gd\",x\n,3,0.5,,adam,x\n", "t.csv",
      spec);
  ASSERT_EQ(past.results.size(), 1U) << "the other has no speed";
  EXPECT_THAT(past.results[0].values, ElementsAre(0.5, 100));
}

TEST(WarmStart, LeavesOutWhatTheSpaceDoesNotHave) {
  SweepSpec spec = Spec();
  spec.constraints = {"twice < 1.5"};
  const PastResults past = ReadPastResults(
      "kind,momentum,size,loss\n"
      "adam,,3,1\n"
      "adamw,,3,1\n"
      "\"s,gd\",2,3,1\n"
      "\"s,gd\",,3,1\n"
      "\"s,gd\",0.9,3,1\n",
      "t.csv", spec);
  EXPECT_EQ(past.results.size(), 1U);
  EXPECT_EQ(past.left_out, 4) << "an unknown value, one beyond its range, one that is missing, "
                                 "and what a constraint forbids";
}

TEST(WarmStart, SaysWhichRowIsWrong) {
  EXPECT_THAT(Refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(Refusal("kind,size,losss\n"), HasSubstr("there is no column of the metric loss"));
  EXPECT_THAT(Refusal("kind,size,losss\n"), HasSubstr("is it the column losss? rename it"));
  EXPECT_THAT(Refusal("kind,loss\n"), HasSubstr("no column of the parameter size"));
  EXPECT_THAT(Refusal("kind,size,loss\nadam,\"3\n\",1\n\nadam,3\n"),
              HasSubstr("this row has 2 fields, the header has 3"));
  EXPECT_THAT(Refusal("kind,size,loss\nadam,\"3\n\",1\n\nadam,3\n"), HasSubstr("results.csv:5"));
  EXPECT_THAT(Refusal("kind,size,loss\nadam,3,low\n"), HasSubstr("the metric loss is \"low\""));
  EXPECT_THAT(Refusal("kind,size,loss\nadam,\"3,1\n"), HasSubstr("a quote is not closed"));
}

// Trials of a sweep and rows of its table: the same fits, and is left out.
TEST(WarmStart, TakesTheSameOfTrialsAsOfTheirTable) {
  SweepSpec spec = Spec();
  spec.space.push_back(
      {.path = {"width"}, .distribution = Distribution::kCategorical, .values = {64, 128}});
  spec.space.push_back({.path = {"depth"},
                        .distribution = Distribution::kCategorical,
                        .values = {4, 3},
                        .zipped_to = 5});
  struct Case {
    const char* row;
    const char* parameters;
    std::int64_t known;
  };
  const Case cases[] = {
      {"adam,,3,7,64,4", R"({"kind":"adam","size":3,"fixed":7,"width":64,"depth":4})", 1},
      {"adam,0.5,3,7,64,4", R"({"kind":"adam","momentum":0.5,"size":3,"width":64,"depth":4})", 1},
      {"\"s,gd\",,3,7,64,4", R"({"kind":"s,gd","size":3,"fixed":7,"width":64,"depth":4})", 0},
      {"adam,,3,8,64,4", R"({"kind":"adam","size":3,"fixed":8,"width":64,"depth":4})", 0},
      {"adam,,3,7,64,3", R"({"kind":"adam","size":3,"fixed":7,"width":64,"depth":3})", 0},
      {"adam,,5,7,64,4", R"({"kind":"adam","size":5,"fixed":7,"width":64,"depth":4})", 0},
  };
  for (const Case& each : cases) {
    const PastResults of_table = ReadPastResults(
        std::string("kind,momentum,size,fixed,width,depth,loss\n") + each.row + ",1\n", "t.csv",
        spec);
    PastTrials trials(spec);
    trials.Add("0", {.parameters = ParseJson(each.parameters, "test"), .values = {1}});
    const PastResults of_trials = trials.Results();
    EXPECT_EQ(std::ssize(of_table.results), each.known) << each.row;
    EXPECT_EQ(std::ssize(of_trials.results), each.known) << each.row;
    EXPECT_EQ(of_trials.Known(), 1);
    if (each.known == 0 || of_table.results.empty() || of_trials.results.empty()) continue;
    EXPECT_EQ(of_table.results[0].configuration, of_trials.results[0].configuration);
  }
}

TEST(WarmStart, LeavesOutWhatIsNoFiniteNumber) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  PastTrials trials(Spec());
  const Json parameters{{"kind", "adam"}, {"size", 3}};
  trials.Add("0", {.parameters = parameters, .values = {kInfinity}});
  trials.Add("0", {.parameters = parameters, .values = {2}});
  trials.Add("1", {.parameters = parameters, .values = {-kInfinity}});
  trials.Add("2", {.parameters = parameters, .values = {std::nan("")}});
  trials.Add("3", {.parameters = parameters, .values = {}});
  const PastResults past = trials.Results();
  ASSERT_EQ(past.results.size(), 1U);
  EXPECT_EQ(past.left_out, 0) << "they are no results";
  EXPECT_THAT(past.results[0].values, ElementsAre(2));
}

TEST(WarmStart, OfALimitTakesTheBest) {
  std::vector<WarmPoint> results;
  results.push_back({Json{{"x", 0}}, {}, TrialState::kFailed});
  for (const double value : {3.0, 1.0, 4.0, 2.0})
    results.push_back({Json{{"x", value}}, {value}});
  results.push_back({Json{{"x", 5}}, {0.5}, TrialState::kPruned});
  const auto best_of = [&results](std::optional<std::int64_t> limit, Goal goal) {
    std::vector<double> best;
    for (const WarmPoint& point : BestResults(results, limit, goal))
      best.push_back(point.configuration.at("x").get<double>());
    return best;
  };
  EXPECT_THAT(best_of(std::nullopt, Goal::kMinimize), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(best_of(2, Goal::kMinimize), ElementsAre(1, 2)) << "in the order in which they were";
  EXPECT_THAT(best_of(2, Goal::kMaximize), ElementsAre(3, 4));
  EXPECT_THAT(best_of(4, Goal::kMinimize), ElementsAre(3, 1, 4, 2)) << "finished ones first";
  EXPECT_THAT(best_of(5, Goal::kMinimize), ElementsAre(3, 1, 4, 2, 5)) << "then pruned ones";
}

TEST(WarmStart, SaysWhichFileIsMissing) {
  SweepSpec spec = Spec();
  spec.warm_start = WarmStart{.file = "/no/such/results.csv"};
  EXPECT_THROW((void)ReadWarmStartFile(spec), Error);
}

TEST(CsvRows, KeepQuotesCommasAndLineEndsOfFields) {
  CsvRows rows("a,\"b,\"\"c\"\"\n\",\r\n\n1,,\n2", "t.csv");
  EXPECT_THAT(*rows.Next(), ElementsAre("a", "b,\"c\"\n", ""));
  EXPECT_THAT(*rows.Next(), ElementsAre("1", "", ""));
  EXPECT_EQ(rows.Place(), "t.csv:4");
  EXPECT_THAT(*rows.Next(), ElementsAre("2"));
  EXPECT_FALSE(rows.Next());
}

TEST(CsvRows, GiveTheEmptyFieldAtTheVeryEnd) {
  CsvRows rows("a,", "t.csv");
  EXPECT_THAT(*rows.Next(), ElementsAre("a", ""));
  EXPECT_FALSE(rows.Next());
}

}  // namespace warm_start_test
}  // namespace ddl
