// SPDX-License-Identifier: Apache-2.0
// The real ddl as an optimizer for a program that runs its own trials.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace ask_tell_test {

constexpr const char* kSpace =
    "metric: {name: loss, goal: minimize}\n"
    "parameters:\n"
    "  x: {min: -2.0, max: 3.0}\n"
    "  y: {values: [1, 2, 3]}\n";

std::string SpecText(const std::string& method, const std::string& further = {}) {
  return "name: outside\nmethod: " + method + "\n" + kSpace + further;
}

class AskTell : public RealDdl {
 protected:
  // Of one trial, which there must be.
  Json AskOne() {
    const Json asked = DdlJson({"ask", spec_});
    EXPECT_EQ(asked.at("trials").size(), 1U) << asked;
    return asked.at("trials").at(0);
  }
  int Tell(const Json& trial, const std::string& value) {
    return Ddl({"tell", "outside", trial.at("number").dump(), value}).code;
  }
  Json SweepOfStatus() { return DdlJson({"status", "outside"}).at("sweeps").at(0); }

  std::string spec_ = {};
};

TEST_F(AskTell, GridIsWalkedToItsEnd) {
  spec_ = Write("spec.yaml",
                "name: outside\nmethod: grid\nmetric: {name: loss, goal: maximize}\n"
                "parameters: {a: {values: [1, 2]}, b: {values: [-1, 1]}}\n");
  const Json asked = DdlJson({"ask", spec_, "--count", "9"});
  ASSERT_EQ(asked.at("trials").size(), 4U);
  EXPECT_EQ(asked.at("end"), "all 4 trials have been asked for");
  EXPECT_EQ(asked.at("trials").at(2).at("parameters"), Json({{"a", 2}, {"b", -1}}));
  EXPECT_EQ(SweepOfStatus().at("state"), "running");
  EXPECT_EQ(Ddl({"ask", spec_}).code, 4);
  for (const Json& trial : asked.at("trials")) {
    EXPECT_EQ(Tell(trial, trial.at("parameters").at("b").dump()), 0);
  }
  const Json sweep = SweepOfStatus();
  EXPECT_EQ(sweep.at("state"), "finished");
  EXPECT_EQ(sweep.at("outcome"), "all_done");
  EXPECT_EQ(Ddl({"ask", spec_}).code, 4);
}

TEST_F(AskTell, WhatIsToldStaysAndIsRefusedASecondTime) {
  spec_ = Write("spec.yaml", SpecText("random"));
  const Json trial = AskOne();
  EXPECT_EQ(Tell(trial, "-0.25"), 0);
  const Finished again = Ddl({"tell", "outside", "1", "7"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.error.find("trial 1 of sweep \"outside\" has ended already"), std::string::npos)
      << again.error;
  EXPECT_EQ(DdlJson({"show", "outside/1"}).at("trial").at("value"), -0.25);
}

TEST_F(AskTell, WrongTellingsAreRefusedAndChangeNothing) {
  spec_ = Write("spec.yaml", SpecText("random"));
  (void)AskOne();
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "tell");
    const Finished done = Ddl(words);
    EXPECT_EQ(done.code, 2) << done.error;
    return done.error;
  };
  EXPECT_NE(refusal({"outside", "2", "1"}).find("asked for are 1 to 1"), std::string::npos);
  EXPECT_NE(refusal({"nothing", "1", "1"}).find("no sweep \"nothing\""), std::string::npos);
  EXPECT_NE(refusal({"outside", "1"}).find("0 values for 1 objectives"), std::string::npos);
  EXPECT_NE(refusal({"outside", "1", "1", "2"}).find("2 values"), std::string::npos);
  EXPECT_NE(refusal({"outside", "1", "nan"}).find("no result"), std::string::npos);
  EXPECT_NE(refusal({"outside", "1", "3", "--failed"}).find("no values"), std::string::npos);
  EXPECT_EQ(DdlJson({"show", "outside/1"}).at("trial").at("state"), "running");
  EXPECT_EQ(Ddl({"tell", "outside", "1", "--failed"}).code, 0);
  EXPECT_EQ(DdlJson({"show", "outside/1"}).at("trial").at("state"), "failed");
}

TEST_F(AskTell, TakesNumbersThatBeginLikeOptions) {
  spec_ = Write("spec.yaml", SpecText("random"));
  const Json trial = AskOne();
  EXPECT_NE(Ddl({"tell", "outside", "1", "-inf"}).error.find("no result"), std::string::npos);
  EXPECT_EQ(Tell(trial, "-.5"), 0);
  EXPECT_EQ(DdlJson({"show", "outside/1"}).at("trial").at("value"), -0.5);
}

TEST_F(AskTell, SaysThatItHasNoLogOfIt) {
  spec_ = Write("spec.yaml", SpecText("random"));
  (void)AskOne();
  ASSERT_EQ(Ddl({"tell", "outside", "1", "--failed"}).code, 0);
  const Finished logs = Ddl({"logs", "outside/1"});
  EXPECT_EQ(logs.code, 0);
  EXPECT_EQ(logs.out, "");
  EXPECT_EQ(logs.error,
            "note: trial 1 was given out by ddl ask and ran elsewhere: ddl has no log of it\n");
  EXPECT_EQ(DdlJson({"logs", "outside/1"}).at("host"), "outside");
  EXPECT_EQ(Ddl({"report", "outside"}).out.find("ddl logs"), std::string::npos);
  EXPECT_NE(Ddl({"show", "outside/1"}).out.find("it ran elsewhere"), std::string::npos);
}

TEST_F(AskTell, SaysOnceHowItSearches) {
  spec_ = Write("spec.yaml", SpecText("auto", "run_cap: 20\n"));
  const std::string note = "auto chooses gp: 20 configurations of 2 parameters";
  EXPECT_NE(Ddl({"ask", spec_}).error.find("note: " + note), std::string::npos);
  EXPECT_EQ(Ddl({"ask", spec_}).error, "");
  EXPECT_EQ(SweepOfStatus().at("search_note").get<std::string>().rfind(note, 0), 0U);
  EXPECT_NE(Ddl({"status", "outside"}).out.find("search       " + note), std::string::npos);
  EXPECT_NE(Ddl({"report", "outside"}).out.find(note), std::string::npos);
  const Json events = DdlJson({"show", "outside"}).at("events");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events.at(0).at("text").get<std::string>().find(note), std::string::npos);
  EXPECT_NE(Ddl({"show", "outside"}).out.find("search: " + note), std::string::npos);
}

TEST_F(AskTell, SeveralObjectivesHaveAFrontAndNoBest) {
  spec_ = Write("spec.yaml",
                "name: outside\nmethod: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
                "metrics: [{name: loss}, {name: speed, goal: maximize}]\nrun_cap: 3\n");
  for (const auto& [loss, speed] : {std::pair{"1", "5"}, {"2", "9"}, {"3", "7"}}) {
    const Json trial = AskOne();
    ASSERT_EQ(Ddl({"tell", "outside", trial.at("number").dump(), loss, speed}).code, 0);
  }
  const Json report = DdlJson({"report", "outside", "--reference", "4,-.5"});
  EXPECT_EQ(report.at("best"), nullptr);
  EXPECT_EQ(report.at("front").at("size"), 2);
  EXPECT_EQ(report.at("hypervolume").at("reference"), Json({4.0, -0.5}));
  EXPECT_EQ(report.at("hypervolume").at("value"), 3 * 5.5 + 2 * 4);
  EXPECT_EQ(SweepOfStatus().at("front").at("size"), 2);
  const auto refusal = [this](const std::vector<std::string>& words) {
    const Finished done = Ddl(words);
    EXPECT_EQ(done.code, 2) << words.front();
    return done.error;
  };
  EXPECT_NE(refusal({"report", "--best", "-"}).find("choose: --trial 1"), std::string::npos);
  EXPECT_NE(refusal({"report", "--reference", "4"}).find("--reference loss,speed"),
            std::string::npos);
  EXPECT_NE(refusal({"compare", "outside", "outside/1"}).find("has several objectives"),
            std::string::npos);
  const std::string chosen = Ddl({"report", "--best", "-", "--trial", "2"}).out;
  EXPECT_NE(chosen.find("name: outside-trial-2\n"), std::string::npos) << chosen;
  EXPECT_NE(chosen.find("metrics:\n  - {name: loss, goal: minimize}\n"
                        "  - {name: speed, goal: maximize}\n"),
            std::string::npos)
      << chosen;
  EXPECT_EQ(Ddl({"report", "--csv", folder_ + "/all.csv"}).code, 0);
  const std::string again = Write(
      "warm.yaml",
      "name: warm\nmethod: tpe\nparameters: {x: {min: 0.0, max: 1.0}}\nrun_cap: 3\n"
      "metrics: [{name: loss}, {name: speed, goal: maximize}]\nwarm_start: {file: all.csv}\n");
  EXPECT_NE(Ddl({"ask", again}).error.find("learns from 3 of 3 results"), std::string::npos);
}

TEST_F(AskTell, TargetEndsTheSweep) {
  spec_ = Write("spec.yaml",
                "name: outside\nmethod: random\n"
                "metric: {name: loss, goal: minimize, target: 0.5}\n"
                "parameters: {x: {min: 0.0, max: 1.0}}\n");
  EXPECT_EQ(Tell(AskOne(), "0.6"), 0);
  EXPECT_EQ(Tell(AskOne(), "0.5"), 0);
  EXPECT_EQ(SweepOfStatus().at("outcome"), "target_reached");
  const Finished more = Ddl({"ask", spec_});
  EXPECT_EQ(more.code, 4);
  EXPECT_NE(more.error.find("target reached: loss 0.5 by trial 2"), std::string::npos);
}

TEST_F(AskTell, ReportAndStatusShowItLikeOthers) {
  spec_ = Write("spec.yaml", SpecText("sobol", "run_cap: 3\n"));
  EXPECT_EQ(Tell(AskOne(), "3"), 0);
  EXPECT_EQ(Tell(AskOne(), "1.5"), 0);
  (void)AskOne();
  EXPECT_EQ(SweepOfStatus().at("counts").at("running"), 1);
  const Json report = DdlJson({"report", "outside"});
  EXPECT_EQ(report.at("best").at("value"), 1.5) << report.dump(1);
  EXPECT_EQ(report.at("front"), nullptr);
  const Finished refused = Ddl({"report", "outside", "--reference", "1"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.error.find("only sweeps with several objectives"), std::string::npos);
  for (const char* command : {"report", "show", "explain"}) {
    const std::string target = std::string("outside") + (command[0] == 'r' ? "" : "/3");
    const Finished done = Ddl({command, target});
    EXPECT_EQ(done.code, 0) << command << done.error;
  }
}

TEST_F(AskTell, SweepAndCoordinatorsKeepAwayFromIt) {
  spec_ = Write("spec.yaml", SpecText("random", "run_cap: 2\ncommand: [\"true\"]\n"));
  (void)AskOne();
  const Finished swept = Ddl({"sweep", spec_});
  EXPECT_EQ(swept.code, 2);
  EXPECT_NE(swept.error.find("run outside of ddl"), std::string::npos) << swept.error;
  EXPECT_EQ(Ddl({"stop", "outside"}).code, 2);
  const std::string other =
      Write("other.yaml",
            "name: other\nmethod: grid\ncommand: [\"true\"]\nparameters: {a: {value: 1}}\n");
  EXPECT_EQ(Ddl({"sweep", other, "--quiet"}).code, 0);
  EXPECT_EQ(Ddl({"ask", other}).code, 2) << "its trials are run by ddl sweep";
  EXPECT_EQ(DdlJson({"show", "outside/1"}).at("trial").at("state"), "running");
}

TEST_F(AskTell, IsRefusedWhileACoordinatorHasTheStore) {
  spec_ = Write("spec.yaml", SpecText("random"));
  const std::string pipe = MakePipe("pipe");
  const Ear ear(pipe);
  const std::string other = Write("other.yaml",
                                  "name: other\nmethod: grid\nparameters: {a: {value: 1}}\n"
                                  "command: [sh, -c, \"echo here > " +
                                      pipe + "; exec sleep 1000\"]\n");
  const auto sweep = Start({"sweep", other, "--quiet"});
  EXPECT_EQ(ear.Line(), "here");
  const Finished asked = Ddl({"ask", spec_});
  EXPECT_EQ(asked.code, 3);
  EXPECT_NE(asked.error.find("the store is in use by"), std::string::npos) << asked.error;
  EXPECT_NE(asked.error.find("another store by --store"), std::string::npos) << asked.error;
  (void)Ddl({"stop", "other"});
  (void)sweep->Wait();
}

TEST_F(AskTell, ManyAtOnceGetTrialsOfTheirOwn) {
  spec_ = Write("spec.yaml", SpecText("random"));
  std::vector<std::unique_ptr<RunningDdl>> askers;
  for (int i = 0; i < 6; ++i)
    askers.push_back(Start({"ask", spec_, "--json"}));
  std::vector<std::int64_t> numbers;
  for (const auto& asker : askers) {
    const Json asked = ParseJson(asker->Wait().out, "");
    numbers.push_back(asked.at("trials").at(0).at("number").get<std::int64_t>());
  }
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
}

}  // namespace ask_tell_test
}  // namespace ddl
