// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec.h"

namespace ddl {
namespace spec_json_test {

SweepSpec Plain() {
  SweepSpec spec;
  spec.name = "s";
  spec.command = {"train"};
  spec.space = {{.path = {"a"}, .distribution = Distribution::kCategorical, .values = {1, 2}},
                {.path = {"b"}, .distribution = Distribution::kCategorical, .values = {3, 4}},
                {.path = {"c"}, .distribution = Distribution::kConstant, .values = {nullptr}}};
  return spec;
}

SweepSpec Rich() {
  SweepSpec spec = Plain();
  spec.space[0].ordinal = false;
  spec.space[1].when = {"a > 1", "not (a > 5)"};
  spec.space[1].zipped_to = 0;
  spec.space[2].expr = "a + b";
  spec.objectives = {{"loss", Goal::kMinimize, 0.5}, {"speed", Goal::kMaximize, {}}};
  spec.constraints = {"a < c"};
  spec.initial_points = {Json{{"a", 1}}, Json::object()};
  spec.warm_start = WarmStart{"", "/results.csv", 50};
  return spec;
}

TEST(SpecJson, KeepsTheLanguageOfSpaces) {
  const std::string text = DumpJson(ResolvedSpec(Rich()));
  const SweepSpec back = SpecFromJson(ParseJson(text, "test"));
  EXPECT_EQ(DumpJson(ResolvedSpec(back)), text);
  EXPECT_EQ(back.space[0].ordinal, false);
  EXPECT_EQ(back.space[1].when, Rich().space[1].when);
  EXPECT_EQ(back.space[1].zipped_to, 0U);
  EXPECT_EQ(back.space[2].expr, "a + b");
  ASSERT_EQ(back.objectives.size(), 2U);
  EXPECT_EQ(back.objectives[0].target, 0.5);
  EXPECT_EQ(back.objectives[1].goal, Goal::kMaximize);
  EXPECT_EQ(back.constraints, Rich().constraints);
  EXPECT_EQ(back.initial_points, Rich().initial_points);
  EXPECT_EQ(back.warm_start->file, "/results.csv");
  EXPECT_EQ(back.warm_start->limit, 50);
}

TEST(SpecJson, KeepsASearchOfOnesOwnWhichBelongsToItsMethod) {
  SweepSpec spec = Plain();
  spec.method = Method::kCustom;
  spec.own_search = OwnSearch{{"python3", "search.py"}, std::chrono::milliseconds(1'500)};
  spec.is_outside = true;
  Json json = ResolvedSpec(spec);
  const SweepSpec back = SpecFromJson(json);
  EXPECT_EQ(back.own_search->command, spec.own_search->command);
  EXPECT_EQ(back.own_search->timeout, spec.own_search->timeout);
  EXPECT_TRUE(back.is_outside);
  json["method"] = "random";
  EXPECT_THROW((void)SpecFromJson(json), Error);
  json["method"] = "custom";
  json["search"]["command"] = Json::array();
  EXPECT_THROW((void)SpecFromJson(json), Error);
}

TEST(SpecJson, KeepsHowTrialsOfAWarmStartEnded) {
  SweepSpec spec = Plain();
  spec.warm_points = {{Json{{"a", 1}}, {0.5}},
                      {Json{{"a", 2}}, {0.25}, TrialState::kPruned},
                      {Json{{"b", 3}}, {}, TrialState::kFailed}};
  const SweepSpec back = SpecFromJson(ParseJson(DumpJson(ResolvedSpec(spec)), "test"));
  ASSERT_EQ(back.warm_points.size(), 3U);
  EXPECT_EQ(back.warm_points[0].state, TrialState::kFinished);
  EXPECT_EQ(back.warm_points[1].state, TrialState::kPruned);
  EXPECT_EQ(back.warm_points[1].values, spec.warm_points[1].values);
  EXPECT_EQ(back.warm_points[2].state, TrialState::kFailed);
  EXPECT_EQ(back.warm_points[2].configuration, spec.warm_points[2].configuration);
}

// As a former ddl wrote them: a state was not there, and infinities became texts.
TEST(SpecJson, LeavesOutResultsThatAreNoNumbers) {
  Json json = ResolvedSpec(Plain());
  json["warm_points"] = ParseJson(
      R"([[{"a":1},["Infinity"]], [{"a":2},[0.5]], [{"a":1},[1,"NaN"]], [{"a":1},[]]])", "test");
  const SweepSpec back = SpecFromJson(json);
  ASSERT_EQ(back.warm_points.size(), 1U);
  EXPECT_EQ(back.warm_points[0].configuration, Json({{"a", 2}}));
  EXPECT_EQ(back.warm_points[0].state, TrialState::kFinished);
}

TEST(SpecJson, OfASpecWithoutThemNamesNoneOfThem) {
  const Json json = ResolvedSpec(Plain());
  for (const char* key :
       {"metrics", "constraints", "initial_points", "warm_start", "search", "outside"})
    EXPECT_FALSE(json.contains(key)) << key;
  for (const Json& parameter : json.at("parameters"))
    EXPECT_EQ(parameter.size(), 3U) << DumpJson(parameter);
}

TEST(SpecJson, RefusesParametersThatAreZippedToNone) {
  for (const std::size_t wrong : {1U, 2U, 7U}) {
    Json json = ResolvedSpec(Rich());
    json["parameters"][1]["zipped_to"] = wrong;
    EXPECT_THROW((void)SpecFromJson(json), Error) << wrong;
  }
  Json shorter = ResolvedSpec(Rich());
  shorter["parameters"][1]["values"] = {3};
  EXPECT_THROW((void)SpecFromJson(shorter), Error);
}

TEST(SpecJson, RefusesExpressionsThatAreNone) {
  const auto refuses = [](void (*change)(Json&)) {
    Json json = ResolvedSpec(Rich());
    change(json);
    EXPECT_THROW((void)SpecFromJson(json), Error) << DumpJson(json);
  };
  refuses([](Json& json) { json["constraints"] = {"a <"}; });
  refuses([](Json& json) { json["constraints"] = {"unknown > 1"}; });
  refuses([](Json& json) { json["parameters"][1]["when"] = {"c > 1"}; });
}

}  // namespace spec_json_test
}  // namespace ddl
