// SPDX-License-Identifier: Apache-2.0
// Real programs that search, small ones.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "runner/mailbox.h"
#include "scheduler/admission.h"
#include "scheduler/search/search.h"
#include "scheduler/search/search_desk.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace custom_search_test {

using ::testing::HasSubstr;

constexpr const char* kSpace =
    "name: own\nmethod: custom\ncommand: [\"true\"]\n"
    "metric: {name: accuracy, goal: maximize}\n"
    "parameters:\n  x: {min: 0.0, max: 1.0}\n  n: {min: 1, max: 8}\n"
    "  kind: {values: [a, b]}\n  width: {min: 1, max: 4, when: \"kind == 'b'\"}\n"
    "constraints: [\"n > 2 or x < 0.5\"]\nrun_cap: 50\nsearch_seed: 7\nenv: {SECOND: two}\n";

SweepSpec SpecWith(const std::vector<std::string>& command, const std::string& further = "60") {
  return ReadSpec(std::string(kSpace) + "search: {command: " + DumpJson(Json(command)) +
                      ", timeout_s: " + further + "}\n",
                  {"own.yaml", DDL_SOURCE_DIR, {}})
      .spec;
}

SweepSpec Shell(const std::string& script, const std::string& timeout = "60") {
  return SpecWith({"sh", "-c", script}, timeout);
}

// Answers every question with `answer`.
SweepSpec Answering(const std::string& answer) {
  return Shell("while read line; do case $line in *ask*) echo '" + answer + "';; esac; done");
}

std::string FailureOf(const SweepSpec& spec) {
  try {
    (void)MakeSearch(spec)->Propose(0, 1);
  } catch (const Error& error) {
    return error.Message();
  }
  return "none";
}

TEST(CustomSearch, ProposesWhatItsProgramAnswers) {
  const auto search = MakeSearch(Answering(R"({"configuration":{"x":0.25,"n":3,"kind":"a"}})"));
  EXPECT_EQ(search->Propose(0, 1).at(0), Json({{"x", 0.25}, {"n", 3}, {"kind", "a"}}));
}

// What the program hears until it is asked for configuration `asked`.
std::vector<std::string> Heard(const std::vector<WarmPoint>& warm,
                               const std::vector<SearchStep>& steps, std::int64_t asked) {
  const std::string out = ::testing::TempDir() + "custom-search-heard";
  SweepSpec spec = Shell("while read line; do echo \"$line\" >> " + out +
                         "; case $line in *ask*) echo '{\"exhausted\":true}';; esac; done");
  spec.warm_points = warm;
  EXPECT_TRUE(MakeSearch(spec, steps)->Propose(asked, 1).empty());
  std::ifstream heard(out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(heard, line);)
    lines.push_back(line);
  std::filesystem::remove(out);
  return lines;
}

TEST(CustomSearch, TellsAllThatWasTakenAndToldInItsOwnTerms) {
  const std::vector<SearchStep> steps{
      {1, 0, R"({"kind":"a","n":3,"x":0.5})", ""},
      {2, 0, "", R"({"outcome":"finished","values":[0.75]})"},
  };
  const std::vector<std::string> lines = Heard({}, steps, 1);
  ASSERT_EQ(lines.size(), 4U);
  const Json begin = ParseJson(lines[0], "").at("begin");
  EXPECT_EQ(begin.at("seed"), 7);
  EXPECT_EQ(begin.at("budget"), 50);
  EXPECT_EQ(begin.at("objectives"), Json::array({{{"name", "accuracy"}, {"goal", "maximize"}}}));
  EXPECT_EQ(begin.at("parameters").at(1), Json({{"name", "n"},
                                                {"kind", "int"},
                                                {"distribution", "int_uniform"},
                                                {"low", 1},
                                                {"high", 8},
                                                {"log", false}}));
  EXPECT_EQ(lines[1], R"({"take":{"configuration":{"kind":"a","n":3,"x":0.5},"number":0}})");
  EXPECT_EQ(lines[2], R"({"tell":{"number":0,"outcome":"finished","values":[0.75]}})");
  EXPECT_EQ(lines[3], R"({"ask":1})");
}

TEST(CustomSearch, TellsHowTrialsOfAWarmStartEnded) {
  const auto of_x = [](double x) { return Json{{"kind", "a"}, {"n", 3}, {"x", x}}; };
  const std::vector<std::string> lines = Heard({{of_x(0.25), {0.5}},
                                                {of_x(0.5), {0.75}, TrialState::kPruned},
                                                {of_x(0.75), {}, TrialState::kFailed}},
                                               {}, 0);
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[2], R"({"tell":{"number":0,"outcome":"finished","values":[0.5]}})");
  EXPECT_EQ(lines[4], R"({"tell":{"number":1,"outcome":"pruned","resource":0.0,"values":[0.75]}})");
  EXPECT_EQ(lines[5], R"({"take":{"configuration":{"kind":"a","n":3,"x":0.75},"number":2}})");
  EXPECT_EQ(lines[6], R"({"tell":{"number":2,"outcome":"failed"}})");
  EXPECT_EQ(lines[7], R"({"ask":3})");
}

TEST(CustomSearch, RunsInItsWorkdirWithTheEnvironmentOfTheSweep) {
  const SweepSpec spec = Shell("echo \"$SECOND in $PWD\" >&2; exit 3");
  EXPECT_THAT(FailureOf(spec), HasSubstr("exit code 3: two in " + std::string(DDL_SOURCE_DIR)));
}

TEST(CustomSearch, ChecksAnswersAgainstTheSpace) {
  const auto failure = [](const std::string& configuration) {
    return FailureOf(Answering("{\"configuration\":" + configuration + "}"));
  };
  EXPECT_THAT(failure(R"({"x":2,"n":3,"kind":"a"})"), HasSubstr("x cannot be 2"));
  EXPECT_THAT(failure(R"({"x":0.5,"n":3.5,"kind":"a"})"), HasSubstr("n cannot be 3.5"));
  EXPECT_THAT(failure(R"({"x":0.5,"n":3})"), HasSubstr("kind is missing"));
  EXPECT_THAT(failure(R"({"x":0.5,"n":3,"kind":"b"})"), HasSubstr("width is missing"));
  EXPECT_THAT(failure(R"({"x":0.5,"n":3,"kind":"a","m":1})"), HasSubstr("no parameter m"));
  EXPECT_THAT(failure(R"({"x":0.5,"n":1,"kind":"a"})"), HasSubstr("forbids it"));
  EXPECT_THAT(failure(R"([1])"), HasSubstr("object of names and values"));
  EXPECT_EQ(failure(R"({"x":0.5,"n":3,"kind":"a","width":2})"), "none") << "not active: dropped";
}

TEST(CustomSearch, RubbishDeathAndSilenceAreErrors) {
  EXPECT_THAT(FailureOf(Answering("hello")), HasSubstr("of no use"));
  EXPECT_THAT(FailureOf(Answering("{}")), HasSubstr("is neither"));
  EXPECT_THAT(FailureOf(Shell("exit 0")), HasSubstr("ended with exit code 0"));
  EXPECT_THAT(FailureOf(Shell("kill -9 $$")), HasSubstr("ended by signal 9"));
  EXPECT_THAT(FailureOf(Shell("exec sleep 1000", "0.1")), HasSubstr("did not answer within 0.1 s"));
  EXPECT_THAT(FailureOf(Shell("exec yes x | tr -d '\\n'")), HasSubstr("longer than"));
  EXPECT_THAT(FailureOf(SpecWith({"./no-such-search"})), HasSubstr("could not be started"));
}

TEST(CustomSearch, SameTwiceIsReplacedByAPointThatWasNotTried) {
  const auto search = MakeSearch(Answering(R"({"configuration":{"x":0.25,"n":3,"kind":"a"}})"));
  const auto two = search->Propose(0, 2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_NE(two[0], two[1]);
}

TEST(CustomSearch, ExampleOptimisesAndGoesOnAsIfNeverInterrupted) {
  const SweepSpec spec =
      ReadSpecFile(std::string(DDL_SOURCE_DIR) + "/configs/own_search.yaml", {}).spec;
  const auto loss = [](const Json& c) {
    return std::pow(std::log10(c.at("lr").get<double>()) + 1, 2) + c.at("momentum").get<double>();
  };
  std::vector<SearchStep> steps;
  double best = 10;
  std::vector<Json> proposed;
  const auto search = MakeSearch(spec);
  for (std::int64_t i = 0; i < 40; ++i) {
    proposed.push_back(search->Propose(i, 1).at(0));
    const double value = loss(proposed.back());
    best = std::min(best, value);
    search->Tell(i, {.kind = Outcome::Kind::kFinished, .values = {value}});
    if (i >= 20) continue;
    steps.push_back({2 * i + 1, i, DumpJson(proposed.back()), ""});
    steps.push_back({2 * i + 2, i, "", DumpJson({{"outcome", "finished"}, {"values", {value}}})});
  }
  EXPECT_LT(best, 1e-3);
  EXPECT_EQ(MakeSearch(spec, steps)->Propose(20, 1).at(0), proposed[20]);
}

// The next answer of a desk.
Proposed AnswerOf(Mailbox<Proposed>& heard) {
  std::vector<Proposed> all;
  while (all.empty())
    all = heard.TakeAll(std::chrono::seconds(60));
  EXPECT_EQ(all.size(), 1U);
  return all.front();
}

TEST(CustomSearch, FailureIsToldAndMendedByTheNextRequest) {
  Mailbox<Proposed> heard;
  SearchDesk desk([&heard](Proposed proposed) { heard.Put(std::move(proposed)); });
  desk.Open(SweepId{1}, Shell("exit 1"));
  desk.Ask({SweepId{1}, 0, 1});
  EXPECT_THAT(AnswerOf(heard).failure, HasSubstr("exit code 1"));
  desk.Ask({SweepId{1}, 0, 1});
  EXPECT_THAT(AnswerOf(heard).failure, HasSubstr("exit code 1")) << "it is not tried again";
  desk.Change(SweepId{1}, Answering(R"({"configuration":{"x":0,"n":1,"kind":"a"}})"), {});
  desk.Ask({SweepId{1}, 0, 1});
  const Proposed mended = AnswerOf(heard);
  EXPECT_EQ(mended.failure, "");
  EXPECT_EQ(mended.configurations.size(), 1U);
}

TEST(CustomSearch, DeskLeavesWithoutWaitingForAnAnswer) {
  const auto began = std::chrono::steady_clock::now();
  {
    SearchDesk desk([](const Proposed&) {});
    desk.Open(SweepId{1}, Shell("exec sleep 1000", "1000"));
    desk.Ask({SweepId{1}, 0, 1});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
}

TEST(CustomSearch, ItsFailureEndsTheSweepOnceRunningTrialsHaveEnded) {
  World world(2, [](const LaunchRecord&) {
    Script script;
    script.wall = seconds(5);
    return script;
  });
  const SweepSpec spec = GridOf(6);
  world.Open(spec);
  world.RunFor(seconds(2));
  world.Tell(Proposed{.sweep = SweepId{1}, .configurations = {}, .failure = "it went away"});
  world.RunToEnd();
  ASSERT_FALSE(world.ended.empty());
  EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kSearchFailed);
  EXPECT_THAT(world.ended.back().reason, HasSubstr("its search failed: it went away"));
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 2) << "those that ran";
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kSearchFailed), 3);
  SweepHistory known;
  known.spec_json = DumpJson(ResolvedSpec(spec));
  known.state = SweepState::kStopped;
  known.outcome = SweepOutcome::kSearchFailed;
  EXPECT_TRUE(std::holds_alternative<GoOnWithSweep>(Admit(SweepRequest{spec, "", ""}, known)));
}

}  // namespace custom_search_test
}  // namespace ddl::test
