// SPDX-License-Identifier: Apache-2.0
// Sweeps whose search learns, in a world in memory.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/json.h"
#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_search_test {

using ::testing::HasSubstr;

// Loss is (x - 3)²; what it is reckoned from stands in the launch.
Script Parabola(const LaunchRecord& record) {
  Script script;
  script.wall = seconds(2);
  const double x = ParseJson(record.params_json, "test").at("x").get<double>();
  script.reports.push_back({seconds(1), {{"loss", (x - 3) * (x - 3)}}});
  return script;
}

SweepSpec Learning(std::int64_t trials) {
  SweepSpec spec = GridOf(1);
  Parameter& parameter = spec.space.front();
  parameter.distribution = Distribution::kUniform;
  parameter.values.clear();
  parameter.min = -10;
  parameter.max = 10;
  spec.method = Method::kCmaes;
  spec.metric = Metric{.name = "loss"};
  spec.run_cap = trials;
  return spec;
}

std::vector<std::string> Proposals(World& world) {
  std::vector<std::string> texts;
  for (const SearchStep& step : world.store.search[SweepId{1}]) {
    if (step.outcome_json.empty()) texts.push_back(step.params_json);
  }
  return texts;
}

TEST(CoreSearch, LearnsFromWhatItIsTold) {
  World world(1, Parabola);
  world.Open(Learning(60));
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 60);
  double best = 1e9;
  for (std::int64_t number = 1; number <= 60; ++number)
    best = std::min(best, world.store.Trial(number).objective.value_or(1e9));
  EXPECT_LT(best, 1e-3) << "60 random points are seldom within 0.03 of the optimum";
}

TEST(CoreSearch, AsksForATrialWhenItMayStart) {
  World world(1, Parabola);
  world.Open(Learning(10));
  world.RunFor(milliseconds(500));
  EXPECT_EQ(Proposals(world).size(), 2U) << "the one that runs, and the next";
}

// Five generations of four.
SweepSpec LearningBy(Method method) {
  SweepSpec spec = Learning(20);
  spec.method = method;
  if (method == Method::kPbt) spec.pbt = PbtSettings{.population = 4, .max_iter = 5};
  return spec;
}

class EverySearch : public ::testing::TestWithParam<Method> {};

TEST_P(EverySearch, GoesOnAfterAKillAsIfThereHadBeenNone) {
  const SweepSpec spec = LearningBy(GetParam());
  World undisturbed(1, Parabola);
  undisturbed.Open(spec);
  undisturbed.RunToEnd();
  for (const auto crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    World world(1, Parabola);
    world.Open(spec);
    for (int kill = 0; kill < 6; ++kill) {
      world.RunFor(milliseconds(3'300));
      world.Turn(crash);
      world.Restart();
      world.Connect("local");
    }
    world.RunToEnd();
    EXPECT_EQ(Proposals(world), Proposals(undisturbed));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, EverySearch,
                         ::testing::Values(Method::kTpe, Method::kGp, Method::kCmaes,
                                           Method::kNsga2, Method::kAuto, Method::kPbt));

TEST(CoreSearch, IsToldOnceAllSeedsHaveEnded) {
  World world(2, Parabola);
  SweepSpec spec = Learning(9);
  spec.seeds = 3;
  world.Open(spec);
  world.RunToEnd();
  int told = 0;
  for (const SearchStep& step : world.store.search[SweepId{1}]) {
    if (step.outcome_json.empty()) continue;
    ++told;
    EXPECT_THAT(step.outcome_json, HasSubstr("finished"));
  }
  EXPECT_EQ(told, 3);
  EXPECT_EQ(Proposals(world).size(), 3U);
}

TEST(CoreSearch, HearsOfFailuresAndOfWhatTheUserStopped) {
  World world(1, [](const LaunchRecord& record) {
    Script script = Parabola(record);
    if (record.trial_number == 1) script.exit_code = 3;
    if (record.trial_number == 2) script.wall = std::chrono::hours(1);
    return script;
  });
  world.Open(Learning(3));
  world.RunFor(seconds(10));
  EXPECT_THAT(world.Ask(UserVerb::kStop, {2}), HasSubstr("is told to stop"));
  world.RunToEnd();
  std::vector<std::string> outcomes;
  for (const SearchStep& step : world.store.search[SweepId{1}])
    if (!step.outcome_json.empty()) outcomes.push_back(step.outcome_json);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(outcomes[0], R"({"outcome":"failed"})");
  EXPECT_EQ(outcomes[1], R"({"outcome":"canceled"})");
  EXPECT_THAT(outcomes[2], HasSubstr(R"("outcome":"finished")"));
}

TEST(CoreSearch, EndsWhereTheSpaceDoes) {
  World world(2, Parabola);
  SweepSpec spec = Learning(100);
  spec.space.front().distribution = Distribution::kIntUniform;
  spec.space.front().min = 0;
  spec.space.front().max = 6;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7);
  std::vector<std::string> proposed = Proposals(world);
  std::erase(proposed, "");
  EXPECT_EQ(std::set<std::string>(proposed.begin(), proposed.end()).size(), 7U);
}

TEST(CoreSearch, DoesNotWaitForWhatAnExhaustedSpaceLacks) {
  World world(1, Parabola);
  SweepSpec spec = Learning(100);
  spec.space.front().distribution = Distribution::kIntUniform;
  spec.space.front().min = 0;
  spec.space.front().max = 6;
  world.Open(spec);
  world.RunFor(milliseconds(12'500));  // the last one runs, and there is no next
  spec.run_cap = 200;
  world.Tell(SpecChanged{SweepId{1}, spec});
  world.RunToEnd(std::chrono::hours(1));
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 7);
}

TEST(CoreSearch, CannotCancelWhatHasNoConfigurationYet) {
  World world(1, Parabola);
  world.Open(Learning(10));
  world.RunFor(milliseconds(500));
  EXPECT_THAT(world.Ask(UserVerb::kStop, {9}), HasSubstr("has no configuration yet"));
  world.RunToEnd();
}

std::vector<std::string> NotesOf(const World& world) {
  std::vector<std::string> notes;
  for (const EventNoted& note : world.store.notes)
    if (!note.trial && note.text.starts_with(kOfSearch)) notes.push_back(note.text);
  return notes;
}

TEST(CoreSearch, NotesWhatTheSearchSaysOfItselfOnce) {
  SweepSpec spec = Learning(20);
  spec.method = Method::kAuto;
  for (const auto crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    World world(1, Parabola);
    world.Open(spec);
    for (int kill = 0; kill < 6; ++kill) {
      world.Turn(crash);
      world.Restart();
      world.Connect("local");
      world.RunFor(milliseconds(3'300));
    }
    world.RunToEnd();
    ASSERT_EQ(NotesOf(world).size(), 1U);
    EXPECT_THAT(NotesOf(world).front(), HasSubstr("search: auto chooses gp: 20 configurations"));
    EXPECT_LE(std::ranges::count(world.said, NotesOf(world).front()), 1)
        << "0 where it was killed between writing it down and saying it";
  }
}

TEST(CoreSearch, NotesWhatIsNewAndNothingTwice) {
  World world(1, Parabola);
  world.Open(Learning(3));
  const auto propose = [&world](const std::string& note) {
    Proposed proposed{SweepId{1}, 0, 0, {}};
    proposed.note = note;
    world.Tell(std::move(proposed));
    world.RunFor(milliseconds(10));
  };
  for (const char* note : {"one", "one", "", "two", "two", "one"})
    propose(note);
  EXPECT_THAT(NotesOf(world), ::testing::ElementsAre("search: one", "search: two", "search: one"));
}

// The further objective is large where the loss is.
Script TwoObjectives(const LaunchRecord& record) {
  Script script = Parabola(record);
  auto& values = script.reports.front().values;
  values.emplace_back("gain", values.front().second);
  if (record.trial_number == 2) script.exit_code = 3;
  return script;
}

TEST(CoreSearch, HasAFrontWhereThereAreSeveralObjectives) {
  SweepSpec spec = Learning(8);
  spec.method = Method::kRandom;
  spec.objectives = {{.name = "loss"}, {.name = "gain", .goal = Goal::kMaximize}};
  World world(2, TwoObjectives);
  world.Open(spec);
  world.RunFor(seconds(7));
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  const SweepProgress progress = world.core->Progress({}).front();
  EXPECT_FALSE(progress.best);
  EXPECT_EQ(progress.front, 7) << "the more loss the more gain: all that finished";
  double least = 1e9;
  double most = -1e9;
  for (std::int64_t number = 1; number <= 8; ++number) {
    if (number == 2) continue;
    const double loss = world.store.Trial(number).objective.value_or(std::nan(""));
    least = std::min(least, loss);
    most = std::max(most, loss);
  }
  EXPECT_THAT(progress.front_best, ::testing::ElementsAre(::testing::Pair("loss", least),
                                                          ::testing::Pair("gain", most)));
}

TEST(CoreSearch, TakesInitialPointsFirst) {
  World world(1, Parabola);
  SweepSpec spec = Learning(3);
  spec.initial_points = {Json{{"x", 2.5}}};
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(Proposals(world).front(), R"({"x":2.5})");
}

}  // namespace core_search_test
}  // namespace ddl::test
