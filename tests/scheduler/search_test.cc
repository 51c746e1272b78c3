// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/search.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/conditions.h"
#include "configs/initial_points.h"
#include "configs/json.h"

namespace ddl {
namespace search_test {

using testing::ElementsAre;

Parameter List(const char* name, std::vector<Json> values) {
  return {.path = {name}, .distribution = Distribution::kCategorical, .values = std::move(values)};
}

Parameter Range(const char* name, double min, double max) {
  return {.path = {name}, .distribution = Distribution::kUniform, .min = min, .max = max};
}

// kind, momentum (of sgd), x in [0, 1], y = 2x.
SweepSpec SpecOf(Method method) {
  SweepSpec spec;
  spec.method = method;
  spec.space = {List("kind", {"adam", "sgd"}),
                List("momentum", {0.0, 0.9}),
                Range("x", 0, 1),
                {.path = {"y"}, .values = {nullptr}, .expr = "2 * x"}};
  if (method == Method::kGrid) spec.space[2] = List("x", {0.25, 0.5, 0.75});
  spec.space[1].when = {"kind == 'sgd'"};
  return spec;
}

std::vector<std::string> Texts(const std::vector<Configuration>& configurations) {
  std::vector<std::string> texts;
  for (const Configuration& configuration : configurations)
    texts.push_back(DumpJson(configuration));
  return texts;
}

std::vector<Configuration> First(const SweepSpec& spec, std::int64_t count) {
  return MakeSearch(spec)->Propose(0, count);
}

// The same from a fresh search, from one that was asked elsewhere before, and one by one.
void ExpectPure(const SweepSpec& spec, std::int64_t count) {
  const std::vector<std::string> all = Texts(First(spec, count));
  const std::unique_ptr<Search> other = MakeSearch(spec);
  for (std::int64_t i = std::ssize(all) - 1; i >= 0; i -= 3) {
    EXPECT_THAT(Texts(other->Propose(i, 1)), ElementsAre(all[static_cast<std::size_t>(i)])) << i;
    EXPECT_EQ(DumpJson(MakeSearch(spec)->Propose(i, 1).at(0)), all[static_cast<std::size_t>(i)]);
  }
}

TEST(Search, OfGridsProposesWhatIsAllowedOnce) {
  SweepSpec spec = SpecOf(Method::kGrid);
  EXPECT_EQ(PlannedTrials(spec), 9);
  spec.constraints = {"y > 0.6"};
  spec.seeds = 5;
  EXPECT_EQ(PlannedTrials(spec), 6 * 5);
  const std::vector<Configuration> all = First(spec, 100);
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0], (Json{{"kind", "adam"}, {"x", 0.5}, {"y", 1.0}}));
  ExpectPure(spec, 6);
}

TEST(Search, OfGridsTriesInitialPointsFirstAndNotAgain) {
  SweepSpec spec = SpecOf(Method::kGrid);
  const std::vector<std::string> plain = Texts(First(spec, 100));
  spec.initial_points = {{{"x", 0.75}, {"kind", "sgd"}, {"momentum", 0.9}},
                         {{"x", 0.25}, {"kind", "adam"}},
                         {{"x", 0.75}, {"kind", "sgd"}, {"momentum", 0.9}}};
  const std::vector<std::string> all = Texts(First(spec, 100));
  ASSERT_EQ(all.size(), 9U);
  EXPECT_EQ(all[0], plain[8]);
  EXPECT_EQ(all[1], plain[0]);
  for (std::size_t i = 2; i < 9; ++i)
    EXPECT_EQ(all[i], plain[i - 1]);
  ExpectPure(spec, 9);
}

TEST(Search, ByDrawsSkipsWhatIsForbiddenAndStaysPure) {
  for (const Method method : {Method::kRandom, Method::kSobol}) {
    SweepSpec spec = SpecOf(method);
    const std::vector<Configuration> plain = First(spec, 600);
    spec.constraints = {"y < 0.8", "momentum > 0.5"};
    const Conditions conditions(spec.space, spec.constraints);
    const std::vector<Configuration> all = First(spec, 100);
    ASSERT_EQ(all.size(), 100U);
    std::set<std::string> distinct;
    std::size_t next = 0;
    for (const Configuration& each : all) {
      EXPECT_TRUE(conditions.Allows(each)) << DumpJson(each);
      EXPECT_EQ(each.contains("momentum"), each.at("kind") == "sgd");
      EXPECT_TRUE(distinct.insert(DumpJson(each)).second);
      if (method == Method::kRandom) continue;
      while (!conditions.Allows(plain.at(next)))
        ++next;
      EXPECT_EQ(each, plain[next++]) << "the sequence without its forbidden points";
    }
    ExpectPure(spec, 100);
  }
}

TEST(Search, ByDrawsTriesInitialPointsFirst) {
  for (const Method method : {Method::kRandom, Method::kSobol}) {
    SweepSpec spec = SpecOf(method);
    spec.initial_points = {{{"kind", "adam"}, {"x", 0.125}}, {{"momentum", 0.9}}};
    const std::vector<Configuration> all = First(spec, 10);
    EXPECT_EQ(all[0], (Json{{"kind", "adam"}, {"x", 0.125}, {"y", 0.25}}));
    EXPECT_EQ(all[1].at("kind"), "sgd") << "drawn so that what is given is active";
    EXPECT_EQ(all[1].at("momentum"), 0.9);
    ExpectPure(spec, 10);
  }
}

TEST(Search, ByDrawsEndsWhereNothingIsAllowed) {
  for (const Method method : {Method::kRandom, Method::kSobol}) {
    SweepSpec spec = SpecOf(method);
    spec.constraints = {"x > 2"};
    EXPECT_TRUE(First(spec, 3).empty());
  }
}

TEST(InitialPoints, AreAFunctionOfTheSpecAndTieWhatIsZipped) {
  SweepSpec spec = SpecOf(Method::kRandom);
  spec.space.push_back(List("a", {1, 1, 2}));
  spec.space.push_back(List("b", {"x", "y", "z"}));
  spec.space[5].zipped_to = 4;
  spec.initial_points = {{{"b", "y"}}, {{"a", 2}}, Json::object()};
  const std::vector<Configuration> points = InitialPoints(spec);
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].at("a"), 1);
  EXPECT_EQ(points[1].at("b"), "z");
  EXPECT_EQ(Texts(InitialPoints(spec)), Texts(points));
  spec.search_seed = 1;
  EXPECT_NE(Texts(InitialPoints(spec)), Texts(points));
}

TEST(InitialPoints, SayWhyThereIsNone) {
  SweepSpec spec = SpecOf(Method::kRandom);
  spec.constraints = {"x < 0.5"};
  spec.initial_points = {{{"kind", "adam"}, {"momentum", 0.9}}, {{"x", 0.75}}};
  const Conditions conditions(spec.space, spec.constraints);
  EXPECT_EQ(CompleteInitialPoint(spec, conditions, 0).inactive, "momentum");
  ASSERT_TRUE(CompleteInitialPoint(spec, conditions, 1).objection);
  EXPECT_TRUE(InitialPoints(spec).empty());
}

}  // namespace search_test
}  // namespace ddl
