// SPDX-License-Identifier: Apache-2.0
// What searches make of the probabilities of categories.
#include <set>
#include <string>

#include "search_runs.h"
#include <gtest/gtest.h>

#include "configs/json.h"
#include "scheduler/search/cma_categories.h"
#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/make_adaptive.h"
#include "scheduler/search/pbt_moves.h"
#include "scheduler/search/search.h"

namespace ddl {
namespace probabilities_test {

constexpr const char* kKinds =
    "\n  kind: {values: [never, mostly, seldom, last], probabilities: [0, 0.8, 0.2, 0]}\n"
    "  x0: {min: 0.0, max: 1.0}\n";

Configuration Of(const char* kind, double x) {
  return {{"kind", kind}, {"x0", x}};
}

bool IsEverDrawn(const Configuration& configuration) {
  return configuration.at("kind") == "mostly" || configuration.at("kind") == "seldom";
}

class Probabilities : public testing::TestWithParam<const char*> {
 protected:
  static std::unique_ptr<AdaptiveSearch> Make(std::uint64_t seed) {
    return MakeAdaptiveSearch(GetParam(),
                              {.space = SpaceFrom(kKinds), .seed = seed, .budget = 100});
  }
};

// Nothing is learned where everything fails.
TEST_P(Probabilities, AreThoseOfWhatIsDrawnBeforeAnythingIsKnown) {
  const auto search = Make(1);
  int mostly = 0;
  for (std::int64_t number = 0; number < 19; ++number) {
    const Configuration proposed = search->Propose(number).value();
    EXPECT_TRUE(IsEverDrawn(proposed)) << DumpJson(proposed);
    mostly += proposed.at("kind") == "mostly" ? 1 : 0;
    search->Take(number, proposed);
    search->Tell(number, {.kind = Outcome::Kind::kFailed});
  }
  EXPECT_GE(mostly, 11) << "of 19, where every second would be if chances were even";
}

// Whatever the user tried came to more than anything that is drawn.
TEST_P(Probabilities, OfNothingAreNeverLearntAway) {
  const auto search = Make(2);
  std::int64_t number = 0;
  for (; number < 12; ++number) {
    const double x = static_cast<double>(number) / 12;
    search->Take(number, Of(number % 2 == 0 ? "never" : "last", x));
    search->Tell(number, Finished(x - 10));
  }
  for (; number < 60; ++number) {
    const Configuration proposed = search->Propose(number).value();
    EXPECT_TRUE(IsEverDrawn(proposed)) << number << DumpJson(proposed);
    search->Take(number, proposed);
    search->Tell(number, Finished(At(proposed, 0)));
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, Probabilities, testing::Values("tpe", "gp", "cmaes", "nsga2"),
                         [](const auto& test) { return std::string(test.param); });

TEST(ProbabilitiesOfPbt, AreThoseOfWhatIsDrawnAnew) {
  const Domain domain(SpaceFrom(kKinds));
  PbtSettings settings;
  settings.resample_probability = 1;
  CounterDraws draws(3, 0, 0);
  int mostly = 0;
  for (int i = 0; i < 200; ++i) {
    const Configuration moved = Explore(domain, Of("seldom", 0.5), settings, draws);
    EXPECT_TRUE(IsEverDrawn(moved)) << DumpJson(moved);
    mostly += moved.at("kind") == "mostly" ? 1 : 0;
  }
  EXPECT_NEAR(mostly, 160, 25);
}

TEST(ProbabilitiesOfCmaes, HaveAMarginUnlessTheyAreNothing) {
  CmaCategories categories({{0.0, 0.5, 0.5, 0.0}});
  for (int generation = 0; generation < 50; ++generation)
    categories.Update({{1}, {0}, {3}}, {0.5, 0.3, 0.2});
  const std::vector<double>& chances = categories.Of(0);
  EXPECT_EQ(chances[0], 0);
  EXPECT_EQ(chances[3], 0);
  EXPECT_GT(chances[1], chances[2]);
  EXPECT_GT(chances[2], 0.01);
  EXPECT_NEAR(chances[1] + chances[2], 1, 1e-12);
  EXPECT_EQ(categories.At(0, 1 - 0x1p-53), 2);
}

// Where they sum to a little less than 1, the rest is for the last that may be drawn.
TEST(ProbabilitiesOfDomains, OfNothingAreNoRemainder) {
  Space space = SpaceFrom(kKinds);
  space[0].probabilities = {0, 0.8, 0.1999995, 0};
  const Domain domain(space);
  EXPECT_EQ(domain.CategoryAt(0, 1 - 0x1p-53), 2);
  EXPECT_EQ(domain.CategoryAt(0, 0x1p-53), 1);
}

TEST(LearningSearch, TriesAValueOfProbabilityNothingForItsUserAlone) {
  SweepSpec spec;
  spec.method = Method::kTpe;
  spec.metric = Metric{.name = "loss"};
  spec.space = {{.path = {"kind"},
                 .distribution = Distribution::kCategorical,
                 .values = {"never", "mostly", "seldom"},
                 .probabilities = {0, 0.8, 0.2}}};
  spec.initial_points = {Json{{"kind", "never"}}};
  const auto proposed = MakeSearch(spec)->Propose(0, 9);
  ASSERT_EQ(proposed.size(), 3U) << "the space is exhausted then";
  EXPECT_EQ(proposed[0].at("kind"), "never");
  spec.initial_points.clear();
  EXPECT_EQ(MakeSearch(spec)->Propose(0, 9).size(), 2U);
}

}  // namespace probabilities_test
}  // namespace ddl
