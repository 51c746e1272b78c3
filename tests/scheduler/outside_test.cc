// SPDX-License-Identifier: Apache-2.0
// Asked and told, in a store on disk.
#include "scheduler/outside.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "scheduler/search/search.h"
#include "store/location.h"

namespace ddl {
namespace outside_test {

using ::testing::HasSubstr;

class Outside : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "ddl-outside-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    lock_ = StoreLock::TryTake(folder_);
    ASSERT_TRUE(lock_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static SweepRequest RequestOf(const std::string& text) {
    const SpecReading reading = ReadSpec(
        "name: s\n" + text,
        {.file_name = "s.yaml", .base_folder = "/", .overrides = {}, .may_run_nothing = true});
    return {reading.spec, reading.text, ""};
  }
  // As separate commands: each opens the store anew.
  AskedOutside Ask(const SweepRequest& request, std::int64_t count = 1) {
    Store store = Store::Open(folder_);
    return AskOutside(store, request, count, 1'000);
  }
  ToldOutside Tell(std::int64_t number, const std::vector<double>& values) {
    Store store = Store::Open(folder_);
    return TellOutside(
        store, {.sweep = "s", .number = number, .values = values, .has_failed = values.empty()},
        3'000);
  }
  std::string Refusal(std::int64_t number, const std::vector<double>& values) {
    try {
      (void)Tell(number, values);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }
  SweepHistory Stored() { return *Store::Open(folder_).Load("s"); }

  std::string folder_ = {};
  std::optional<StoreLock> lock_ = {};
};

constexpr const char* kGrid =
    "method: grid\nmetric: {name: loss}\nparameters: {a: {values: [1, 2]}, b: {values: [3, 4]}}\n";

TEST_F(Outside, GridIsWalkedToItsEnd) {
  const AskedOutside asked = Ask(RequestOf(kGrid), 9);
  ASSERT_EQ(asked.trials.size(), 4U);
  EXPECT_EQ(asked.end, "all 4 trials have been asked for");
  EXPECT_EQ(asked.trials[2].parameters, Json({{"a", 2}, {"b", 3}}));
  EXPECT_TRUE(Ask(RequestOf(kGrid)).trials.empty());
  for (std::int64_t number = 1; number <= 3; ++number) {
    EXPECT_FALSE(Tell(number, {1.0}).ends_sweep);
  }
  EXPECT_EQ(Tell(4, {}).reason, "1 of 4 trials failed");
  EXPECT_EQ(Stored().state, SweepState::kFinished);
  EXPECT_EQ(Stored().outcome, SweepOutcome::kSomeFailed);
}

TEST_F(Outside, SearchGoesOnAsIfItHadNeverStopped) {
  const SweepRequest request = RequestOf(
      "method: cmaes\nsearch_seed: 5\nrun_cap: 40\nmetric: {name: loss}\n"
      "parameters: {x: {min: -2.0, max: 3.0}, y: {values: [1, 2, 3]}}\n");
  const auto undisturbed = MakeSearch(request.spec);
  for (std::int64_t i = 0; i < 16; ++i) {
    const OutsideTrial trial = Ask(request).trials.at(0);
    EXPECT_EQ(trial.number, i + 1);
    EXPECT_EQ(undisturbed->Propose(i, 1).at(0), trial.parameters) << i;
    const double loss = std::pow(trial.parameters.at("x").get<double>(), 2);
    (void)Tell(trial.number, {loss});
    undisturbed->Tell(i, {.kind = Outcome::Kind::kFinished, .values = {loss}});
  }
}

TEST_F(Outside, SeedsAreGivenOutOneByOneAndToldTogether) {
  const SweepRequest request = RequestOf(
      "method: cmaes\nseeds: 2\nparameters: {x: {min: 0.0, max: 1.0}}\nmetric: {name: loss}\n");
  const AskedOutside asked = Ask(request, 2);
  EXPECT_EQ(asked.trials[0].parameters, asked.trials[1].parameters);
  EXPECT_EQ(asked.trials[1].seed, 1);
  (void)Tell(1, {1});
  EXPECT_EQ(Stored().search.size(), 1U) << "one seed is open";
  (void)Tell(2, {2});
  ASSERT_EQ(Stored().search.size(), 2U);
  EXPECT_EQ(ParseJson(Stored().search[1].outcome_json, ""),
            Json({{"outcome", "finished"}, {"values", {1.5}}}));
}

TEST_F(Outside, SeveralObjectivesAreToldInTheOrderOfTheSpec) {
  (void)Ask(
      RequestOf("method: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
                "metrics: [{name: loss}, {name: speed, goal: maximize}]\n"));
  EXPECT_THAT(Refusal(1, {1.0}), HasSubstr("tell: loss speed"));
  (void)Tell(1, {1, 10});
  EXPECT_EQ(Stored().trials.at(0).objective, 1);
  EXPECT_EQ(Stored().further.at(1), std::vector<double>{10});
}

TEST_F(Outside, WrongTellingsAreRefusedAndChangeNothing) {
  EXPECT_THAT(Refusal(1, {1.0}), HasSubstr("no sweep \"s\" here"));
  (void)Ask(RequestOf(kGrid));
  EXPECT_THAT(Refusal(2, {1.0}), HasSubstr("asked for are 1 to 1"));
  EXPECT_THAT(Refusal(1, {1.0, 2.0}), HasSubstr("2 values for 1 objectives"));
  EXPECT_THAT(Refusal(1, {std::nan("")}), HasSubstr("NaN is no result"));
  EXPECT_EQ(Stored().trials.at(0).state, TrialState::kRunning);
  (void)Tell(1, {1.5});
  EXPECT_THAT(Refusal(1, {7.0}), HasSubstr("has ended already: finished"));
  EXPECT_EQ(Stored().trials.at(0).objective, 1.5);
}

TEST_F(Outside, TargetEndsTheSweepAndMoreTrialsOpenItAgain) {
  const std::string text =
      "method: random\nparameters: {x: {min: 0.0, max: 1.0}}\nmetric: {name: loss, target: 0.5}\n";
  (void)Ask(RequestOf(text), 2);
  EXPECT_FALSE(Tell(1, {0.6}).ends_sweep);
  EXPECT_EQ(Tell(2, {0.5}).reason, "target reached: loss 0.5 by trial 2");
  EXPECT_EQ(Ask(RequestOf(text)).end, "target reached: loss 0.5 by trial 2");
}

TEST_F(Outside, RaisedRunCapOpensAnEndedSweepAgain) {
  const std::string text =
      "method: random\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n";
  (void)Ask(RequestOf(text + "run_cap: 1\n"));
  EXPECT_TRUE(Tell(1, {0.6}).ends_sweep);
  EXPECT_EQ(Ask(RequestOf(text + "run_cap: 2\n")).trials.at(0).number, 2);
  EXPECT_EQ(Stored().state, SweepState::kRunning);
}

TEST_F(Outside, SweepsOfCoordinatorsAreAnothersAndTheOtherWayRound) {
  const SweepRequest request = RequestOf(kGrid);
  {
    Store store = Store::Open(folder_);
    const std::vector<Change> added{SweepAdded{
        .id = SweepId{1}, .name = "s", .spec_json = DumpJson(ResolvedSpec(request.spec))}};
    store.Commit(added);
  }
  EXPECT_THROW((void)Ask(request), Error);
  EXPECT_NO_THROW(RefuseOutside(Stored()));
  SweepRequest another = request;
  another.begin_new = true;
  EXPECT_EQ(Ask(another).trials.at(0).number, 1);
  EXPECT_THROW(RefuseOutside(Stored()), Error);
}

}  // namespace outside_test
}  // namespace ddl
