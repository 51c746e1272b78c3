// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/auto.h"

#include "search_runs.h"
#include <gtest/gtest.h>

#include "scheduler/search/make_adaptive.h"

namespace ddl {
namespace auto_test {

TEST(Auto, ModelsFewNumbersWithGp) {
  const MethodChoice choice = ChooseMethod({.space = UnitCube(6), .budget = 100});
  EXPECT_EQ(choice.method, "gp");
  EXPECT_EQ(choice.why,
            "100 configurations of 6 parameters: few enough for a model of the whole surface");
}

TEST(Auto, TakesAnUnknownNumberForAFew) {
  EXPECT_EQ(ChooseMethod({.space = UnitCube(6)}).method, "gp");
}

TEST(Auto, LeavesManyNumbersToGenerations) {
  EXPECT_EQ(ChooseMethod({.space = UnitCube(6), .budget = 501}).method, "cmaes");
  EXPECT_EQ(ChooseMethod({.space = UnitCube(21), .budget = 100}).method, "cmaes");
}

TEST(Auto, LeavesCategoriesAndConditionsToTpe) {
  const Space half = SpaceFrom("\n  x: {min: 0.0, max: 1.0}\n  act: {values: [relu, gelu]}\n");
  EXPECT_EQ(ChooseMethod({.space = half, .budget = 50}).method, "tpe");
  Space conditional = UnitCube(3);
  conditional[2].when = {"x0 > 0.5"};
  EXPECT_EQ(ChooseMethod({.space = conditional, .budget = 50}).method, "tpe");
  Space few = UnitCube(4);
  few.push_back(half[1]);
  EXPECT_EQ(ChooseMethod({.space = few, .budget = 50}).method, "gp");
  EXPECT_EQ(ChooseMethod({.space = few, .budget = 5000}).method, "tpe");
}

TEST(Auto, SeparatesObjectivesByTheirBudget) {
  EXPECT_EQ(ChooseMethod({.space = UnitCube(3), .objectives = 2, .budget = 200}).method, "tpe");
  EXPECT_EQ(ChooseMethod({.space = UnitCube(3), .objectives = 2, .budget = 1000}).method, "nsga2");
}

TEST(Auto, ProposesWhatItsChoiceWould) {
  const SearchProblem problem{.space = UnitCube(2), .seed = 8, .budget = 30};
  const Loss loss = [](const Configuration& c) { return At(c, 0) + At(c, 1); };
  const auto chosen = MakeAdaptiveSearch("gp", problem);
  const auto automatic = MakeAdaptiveSearch("auto", problem);
  ASSERT_NE(automatic, nullptr);
  EXPECT_EQ(RunOneByOne(*automatic, loss, 20), RunOneByOne(*chosen, loss, 20));
}

}  // namespace auto_test
}  // namespace ddl
