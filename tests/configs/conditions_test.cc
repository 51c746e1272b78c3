// SPDX-License-Identifier: Apache-2.0
#include "configs/conditions.h"

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/allowed_sampling.h"
#include "configs/dependency_order.h"
#include "configs/error.h"
#include "configs/grid.h"
#include "configs/sampling.h"
#include "tests/configs/reference_grid.h"

namespace ddl {
namespace conditions_test {

using testing::ElementsAre;

Parameter Values(const char* name, std::vector<Json> values, std::vector<std::string> when = {}) {
  return {.path = {name},
          .distribution = Distribution::kCategorical,
          .values = std::move(values),
          .when = std::move(when)};
}

Parameter Derived(const char* name, const char* expr, std::vector<std::string> when = {}) {
  return {.path = {name}, .values = {nullptr}, .when = std::move(when), .expr = expr};
}

Parameter Zipped(Parameter parameter, std::size_t to) {
  parameter.zipped_to = to;
  return parameter;
}

const Space kOptimizers{Values("kind", {"adam", "sgd"}),
                        Values("momentum", {0, 0.9}, {"kind == 'sgd'"}),
                        Values("nesterov", {true, false}, {"momentum > 0"}),
                        Derived("rate", "0.1 if kind == 'sgd' else 0.001")};

TEST(DependencyOrder, FollowsNumbersAsFarAsNeedsAllow) {
  EXPECT_THAT(OrderByNeeds({{}, {3}, {}, {0, 0}}).order, ElementsAre(0, 2, 3, 1));
  EXPECT_TRUE(OrderByNeeds({{}, {3}, {}, {0, 0}}).cycle.empty());
}

TEST(DependencyOrder, ShowsACycleAndNothingElse) {
  EXPECT_THAT(OrderByNeeds({{1}, {2, 4}, {3}, {1}, {}}).cycle, ElementsAre(1, 2, 3));
  EXPECT_THAT(OrderByNeeds({{}, {1}}).cycle, ElementsAre(1));
}

TEST(Conditions, LeaveOutWhatIsInactiveAndPutInWhatIsDerived) {
  const Conditions conditions(kOptimizers);
  const auto complete = [&](const Json& kind, const Json& momentum) {
    return conditions.Complete(
        {{"kind", kind}, {"momentum", momentum}, {"nesterov", true}, {"rate", nullptr}});
  };
  EXPECT_EQ(complete("adam", 0.9), Json({{"kind", "adam"}, {"rate", 0.001}}));
  EXPECT_EQ(complete("sgd", 0), Json({{"kind", "sgd"}, {"momentum", 0}, {"rate", 0.1}}));
  EXPECT_EQ(complete("sgd", 0.9),
            Json({{"kind", "sgd"}, {"momentum", 0.9}, {"nesterov", true}, {"rate", 0.1}}));
  EXPECT_EQ(conditions.Complete(complete("sgd", 0)), complete("sgd", 0));
}

TEST(Conditions, AreJudgedAfterWhatTheyDependOnWhereverItStands) {
  const Space space{Derived("c", "b * 2", {"b > 1"}), Derived("b", "a + 1"), Values("a", {0, 1})};
  const Conditions conditions(space);
  EXPECT_EQ(conditions.Complete({{"a", 0}}), Json({{"a", 0}, {"b", 1}}));
  EXPECT_EQ(conditions.Complete({{"a", 1}}), Json({{"a", 1}, {"b", 2}, {"c", 4}}));
  EXPECT_THAT(conditions.Order(), ElementsAre(2, 1, 0));
}

TEST(Conditions, AllHaveToHold) {
  const Conditions conditions({Values("a", {1, 2}), Values("b", {1}, {"a > 1", "a < 2"})});
  EXPECT_EQ(conditions.Complete({{"a", 2}, {"b", 1}}), Json({{"a", 2}}));
}

TEST(Conditions, ForbidNothingThroughWhatIsAbsent) {
  const Conditions conditions(kOptimizers, {"momentum < 0.5", "rate > 0.0001"});
  EXPECT_TRUE(conditions.Allows({{"kind", "adam"}, {"rate", 0.001}}));
  EXPECT_TRUE(conditions.Allows({{"kind", "sgd"}, {"momentum", 0}, {"rate", 0.1}}));
  const auto objection =
      conditions.ObjectionTo({{"kind", "sgd"}, {"momentum", 0.9}, {"nesterov", true}});
  ASSERT_TRUE(objection);
  EXPECT_EQ(objection->place.kind, ExpressionPlace::Kind::kConstraint);
  EXPECT_EQ(objection->place.index, 0U);
  EXPECT_FALSE(objection->fault);
}

TEST(Conditions, ForbidWhatHasNoResult) {
  const Conditions derived({Values("x", {0, 1}), Derived("y", "1 / x")});
  const Configuration zero = derived.Complete({{"x", 0}, {"y", nullptr}});
  EXPECT_EQ(zero, Json({{"x", 0}}));
  ASSERT_TRUE(derived.ObjectionTo(zero));
  EXPECT_EQ(derived.ObjectionTo(zero)->place.kind, ExpressionPlace::Kind::kExpr);
  EXPECT_EQ(derived.ObjectionTo(zero)->fault->what, "a division by zero");
  EXPECT_TRUE(derived.Allows(derived.Complete({{"x", 1}, {"y", nullptr}})));

  const Conditions when({Values("x", {1}), Values("y", {1}, {"x + 1"})});
  ASSERT_TRUE(when.ObjectionTo({{"x", 1}}));
  EXPECT_EQ(when.ObjectionTo({{"x", 1}})->fault->what,
            "a condition is true or false, this is a number");
  EXPECT_FALSE(Conditions({Values("x", {1})}, {"x"}).Allows({{"x", 1}}));
}

TEST(Conditions, OfNoReaderAreRefused) {
  EXPECT_THROW(Conditions({Values("x", {1})}, {"y > 1"}), Error);
  EXPECT_THROW(Conditions({Values("x", {1})}, {"x >"}), Error);
  EXPECT_THROW(Conditions({Values("x", {1}, {"y > 1"}), Values("y", {1}, {"x > 1"})}), Error);
}

TEST(Conditions, KeepWhatASelectionNeeds) {
  const Space space{Values("far", {1}), Values("a", {1, 2}), Values("b", {3, 4}),
                    Zipped(Values("data.x", {5, 6}), 2), Derived("data.y", "2 * a")};
  const Space kept = WithNeeds(space, {false, false, false, true, true});
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_EQ(kept[0].Name(), "a");
  EXPECT_EQ(kept[2].Name(), "data.x");
  EXPECT_EQ(kept[2].zipped_to, 1U);
  EXPECT_EQ(Grid(kept).Size(), 4);
}

std::vector<std::string> PointsOf(const Grid& grid) {
  std::vector<std::string> points;
  for (std::int64_t i = 0; i < grid.Size().value_or(0); ++i) {
    points.push_back(DumpJson(grid.Point(i)));
    EXPECT_EQ(grid.IndexOf(grid.Point(i)), i) << points.back();
  }
  const std::set<std::string> distinct(points.begin(), points.end());
  EXPECT_EQ(distinct.size(), points.size());
  return points;
}

TEST(GridWithRules, HasEachConfigurationOnce) {
  EXPECT_THAT(
      PointsOf(Grid(kOptimizers)),
      ElementsAre(R"({"kind":"adam","rate":0.001})", R"({"kind":"sgd","momentum":0,"rate":0.1})",
                  R"({"kind":"sgd","momentum":0.9,"nesterov":true,"rate":0.1})",
                  R"({"kind":"sgd","momentum":0.9,"nesterov":false,"rate":0.1})"));
}

// Against every combination of values, completed, judged, and each kept once.
TEST(GridWithRules, AgreesWithTryingEverything) {
  const Space space{Values("a", {1, 2, 3}),
                    Values("free", {"x", "y"}),
                    {.path = {"n"}, .distribution = Distribution::kIntUniform, .min = 0, .max = 4},
                    Values("b", {1, 2}, {"a > 1"}),
                    Values("c", {1, 2, 3}, {"b == 2 or n == 0"}),
                    Zipped(Values("z", {10, 20, 30}), 0),
                    Derived("sum", "a + n"),
                    Values("late", {1, 2}, {"sum > 4"})};
  const std::vector<std::string> rules{"a + n < 6", "c != 2 or n > 1", "z / 10 == a"};
  const Conditions conditions(space, rules);
  std::set<std::string> expected;
  for (std::int64_t i = 0; i < *GridSize(space); ++i) {
    const Configuration point = conditions.Complete(GridPoint(space, i));
    if (conditions.Allows(point)) expected.insert(DumpJson(point));
  }
  const std::vector<std::string> points = PointsOf(Grid(space, rules));
  EXPECT_EQ(std::set<std::string>(points.begin(), points.end()), expected);
  EXPECT_GT(points.size(), 50U);
}

TEST(GridWithRules, VariesTheLastParameterFastest) {
  const Grid grid({Values("a", {1, 2}), Values("b", {1, 2}), Values("c", {1, 2})}, {"a <= c"});
  EXPECT_THAT(PointsOf(grid), ElementsAre(R"({"a":1,"b":1,"c":1})", R"({"a":1,"b":2,"c":1})",
                                          R"({"a":1,"b":1,"c":2})", R"({"a":1,"b":2,"c":2})",
                                          R"({"a":2,"b":1,"c":2})", R"({"a":2,"b":2,"c":2})"))
      << "a and c vary together, at the place of a";
}

TEST(GridWithRules, ZipsListsThatRunTogether) {
  EXPECT_THAT(PointsOf(Grid(
                  {Values("a", {1, 2}), Zipped(Values("b", {"x", "y"}), 0), Values("c", {5, 6})})),
              ElementsAre(R"({"a":1,"b":"x","c":5})", R"({"a":1,"b":"x","c":6})",
                          R"({"a":2,"b":"y","c":5})", R"({"a":2,"b":"y","c":6})"));
}

TEST(GridWithRules, MayBeEmptyOrBeyondCounting) {
  EXPECT_EQ(Grid({Values("a", {1, 2})}, {"a > 2"}).Size(), 0);
  EXPECT_EQ(Grid({Values("a", {1, 2})}, {"1 > 2"}).Size(), 0);
  EXPECT_EQ(Grid({Values("a", {1, 2})}, {"1 < 2"}).Size(), 2);
  Space large;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    large.push_back(
        {.path = {name}, .distribution = Distribution::kIntUniform, .min = 1, .max = 500});
  }
  EXPECT_FALSE(Grid(large).Size());
  EXPECT_EQ(Grid(large).Point(1).at("h"), 2);
  const Grid some(large, {"a < b"});
  EXPECT_TRUE(some.TooTied().empty()) << "250,000 pairs";
  const Grid tied(large, {"a < b + c"});
  EXPECT_THAT(tied.TooTied(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(tied.Size(), 0);
}

TEST(GridWithRules, TurnsBackEarlySoThatSmallGridsOfManyParametersAreFound) {
  Space space;
  std::vector<std::string> rules;
  for (int i = 0; i < 12; ++i) {
    space.push_back(Values("", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    space.back().path = {"p" + std::to_string(i)};
    if (i > 0) rules.push_back("p" + std::to_string(i) + " == p" + std::to_string(i - 1));
  }
  EXPECT_EQ(Grid(space, rules).Size(), 10);
}

TEST(GridWithRules, RemembersWhatHadNoResult) {
  const Grid grid({Values("a", {0, 1, 2}), Derived("b", "1 // a")}, {"b < 1 or a == 1"});
  EXPECT_EQ(grid.Size(), 2);
  ASSERT_TRUE(grid.FirstFault());
  EXPECT_EQ(grid.FirstFault()->objection.fault->what, "a division by zero");
  EXPECT_EQ(grid.FirstFault()->at, Json({{"a", 0}}));
}

TEST(SampleAllowed, IsAFunctionOfSeedAndIndexAndKeepsTheDistribution) {
  const Space space{{.path = {"x"}, .distribution = Distribution::kUniform},
                    {.path = {"y"}, .distribution = Distribution::kUniform}};
  const Conditions conditions(space, {"x + y < 0.5"});
  double sum = 0;
  constexpr int kPoints = 2000;
  for (int i = 0; i < kPoints; ++i) {
    const auto point = SampleAllowed(space, conditions, 3, i);
    ASSERT_TRUE(point && conditions.Allows(*point));
    EXPECT_EQ(point, SampleAllowed(space, conditions, 3, i));
    const Configuration first = SamplePoint(space, 3, i);
    EXPECT_TRUE(!conditions.Allows(first) || *point == first);
    sum += point->at("x").get<double>();
  }
  // Uniform on a triangle: mean 1/6, variance 1/72.
  EXPECT_NEAR(sum / kPoints, 1.0 / 6, 4 * std::sqrt(1.0 / 72 / kPoints));
}

TEST(SampleAllowed, FindsNothingWhereNothingIs) {
  const Space space{Values("x", {1, 2})};
  EXPECT_FALSE(SampleAllowed(space, Conditions(space, {"x > 2"}), 1, 0));
}

TEST(SamplePoint, TakesZippedValuesFromOnePlace) {
  const Space space{Values("a", {1, 2, 3}), Zipped(Values("b", {10, 20, 30}), 0)};
  std::set<int> seen;
  for (int i = 0; i < 100; ++i) {
    const Configuration point = SamplePoint(space, 1, i);
    EXPECT_EQ(point.at("b").get<int>(), 10 * point.at("a").get<int>());
    seen.insert(point.at("a").get<int>());
  }
  EXPECT_EQ(seen.size(), 3U);
}

}  // namespace conditions_test
}  // namespace ddl
