// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/fanova.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/cli/sample_observations.h"

namespace ddl {
namespace fanova_test {

using test::Drawn;

Forest OneTree(Tree tree) {
  Forest forest;
  forest.trees.push_back(std::move(tree));
  return forest;
}

// Two splits of axis 0 and 1 at their thresholds; the four values in the order of the leaves
// (low, low), (low, high), (high, low), (high, high).
Forest Quarters(double first, double second, const std::array<double, 4>& values) {
  return OneTree({{.axis = 0, .threshold = first, .left = 1, .right = 2},
                  {.axis = 1, .threshold = second, .left = 3, .right = 4},
                  {.axis = 1, .threshold = second, .left = 5, .right = 6},
                  {.value = values[0]},
                  {.value = values[1]},
                  {.value = values[2]},
                  {.value = values[3]}});
}

TEST(Fanova, GivesASumToItsTermsExactly) {
  // 2 [x ≥ 0.5] + [y ≥ 0.5]: variances 1 and 1/4.
  const VarianceShares shares = Fanova(Quarters(0.5, 0.5, {0, 1, 2, 3}), {{}, {}, {}}, {0, 1, 2});
  EXPECT_NEAR(shares.single[0].mean, 0.8, 1e-12);
  EXPECT_NEAR(shares.single[1].mean, 0.2, 1e-12);
  EXPECT_NEAR(shares.single[2].mean, 0, 1e-12);
  for (const VarianceShare& pair : shares.pairs)
    EXPECT_NEAR(pair.mean, 0, 1e-12);
}

TEST(Fanova, GivesAPureInteractionToThePair) {
  const VarianceShares shares = Fanova(Quarters(0.5, 0.5, {1, -1, -1, 1}), {{}, {}, {}}, {0, 1, 2});
  EXPECT_NEAR(shares.single[0].mean, 0, 1e-12);
  EXPECT_NEAR(shares.single[1].mean, 0, 1e-12);
  ASSERT_EQ(shares.pairs.size(), 3U);
  EXPECT_EQ(shares.pairs[0].axes, (std::vector<std::size_t>{0, 1}));
  EXPECT_NEAR(shares.pairs[0].mean, 1, 1e-12);
  EXPECT_NEAR(shares.pairs[1].mean, 0, 1e-12);
}

TEST(Fanova, WeighsBoxesByTheirSize) {
  // [x ≥ 0.9] + [y ≥ 0.5]: variances 0.09 and 0.25.
  const VarianceShares shares = Fanova(Quarters(0.9, 0.5, {0, 1, 1, 2}), {{}, {}}, {0, 1});
  EXPECT_NEAR(shares.single[0].mean, 0.09 / 0.34, 1e-12);
  EXPECT_NEAR(shares.single[1].mean, 0.25 / 0.34, 1e-12);
  // With an axis from -1 to 1 the threshold 0.9 parts a twentieth off: 0.0475.
  const VarianceShares longer = Fanova(Quarters(0.9, 0.5, {0, 1, 1, 2}), {{.low = -1}, {}}, {0, 1});
  EXPECT_NEAR(longer.single[0].mean, 0.0475 / 0.2975, 1e-12);
}

TEST(Fanova, WeighsCategoriesByTheirShares) {
  const Forest forest = OneTree({{.axis = 0, .left_categories = 0b101, .left = 1, .right = 2},
                                 {.axis = 1, .threshold = 0.5, .left = 3, .right = 4},
                                 {.value = 1},
                                 {.value = 0},
                                 {.value = 2}});
  const std::vector<Axis> axes{{.categories = {0.5, 0.2, 0.3}}, {}};
  // The marginal of axis 0 is 1 everywhere; that of axis 1 is 0.8 · {0, 2} + 0.2: variance 0.64.
  // In all 0.8 · 1 = 0.8; so the pair has 0.16.
  const VarianceShares shares = Fanova(forest, axes, {0, 1});
  EXPECT_NEAR(shares.single[0].mean, 0, 1e-12);
  EXPECT_NEAR(shares.single[1].mean, 0.8, 1e-12);
  EXPECT_NEAR(shares.pairs[0].mean, 0.2, 1e-12);
}

TEST(Fanova, TellsMeanAndDeviationOverTheTreesThatVary) {
  Forest forest = Quarters(0.5, 0.5, {0, 1, 2, 3});
  forest.trees.push_back(Quarters(0.5, 0.5, {0, 0, 2, 2}).trees.front());
  forest.trees.push_back({{.value = 5}});
  const VarianceShares shares = Fanova(forest, {{}, {}}, {});
  EXPECT_NEAR(shares.single[0].mean, 0.9, 1e-12);
  EXPECT_NEAR(shares.single[0].deviation, 0.1, 1e-12);
  EXPECT_TRUE(shares.pairs.empty());
}

TEST(Fanova, OfATreeThatNeverVariesIsZero) {
  const VarianceShares shares = Fanova(OneTree({{.value = 3}}), {{}, {}}, {0, 1});
  EXPECT_EQ(shares.single[0].mean, 0);
  EXPECT_EQ(shares.pairs[0].mean, 0);
}

// Known by integration: with all variables around their means, 9/12 for the first, 4/12 for the
// second, 16/144 for what both do together.
TEST(Fanova, FindsTheKnownSharesOfAPolynomial) {
  Observations rows = Drawn(4, 800, 9);
  test::SetValues(rows, [](const std::vector<double>& x) {
    return 3 * (x[0] - 0.5) + 2 * (x[1] - 0.5) + 4 * (x[0] - 0.5) * (x[1] - 0.5);
  });
  const Forest forest = GrowForest(rows, 16, 1);
  const VarianceShares shares = Fanova(forest, rows.axes, {0, 1, 2, 3});
  constexpr double kAll = 9.0 / 12 + 4.0 / 12 + 16.0 / 144;
  EXPECT_NEAR(shares.single[0].mean, 9.0 / 12 / kAll, 0.03);
  EXPECT_NEAR(shares.single[1].mean, 4.0 / 12 / kAll, 0.03);
  EXPECT_LT(shares.single[2].mean, 0.005);  // they do nothing
  EXPECT_LT(shares.single[3].mean, 0.005);
  EXPECT_NEAR(shares.pairs[0].mean, 16.0 / 144 / kAll, 0.03);
  EXPECT_LT(shares.pairs[5].mean, 0.005);
}

// Every share as the definition has it, cell by cell: an axis is cut wherever any split cuts it.
TEST(Fanova, AgreesWithTheDefinitionOnAGridOfAllCuts) {
  Observations rows = Drawn(2, 25, 12);
  test::SetValues(rows, [](const std::vector<double>& x) { return x[0] * x[1] + x[0]; });
  const Forest forest = GrowForest(rows, 1, 3);
  std::array<std::vector<double>, 2> edges{{{0, 1}, {0, 1}}};
  for (const TreeNode& node : forest.trees[0])
    if (node.axis >= 0) edges[static_cast<std::size_t>(node.axis)].push_back(node.threshold);
  for (std::vector<double>& of_axis : edges)
    std::ranges::sort(of_axis);
  Observations at = Drawn(2, 1, 0);
  const auto value = [&](std::size_t i, std::size_t j) {
    at.columns = {{(edges[0][i] + edges[0][i + 1]) / 2}, {(edges[1][j] + edges[1][j + 1]) / 2}};
    return Foretell(forest.trees[0], at, 0);
  };
  const auto width = [&](std::size_t axis, std::size_t i) {
    return edges[axis][i + 1] - edges[axis][i];
  };
  double mean = 0;
  double square = 0;
  std::array<double, 2> squares{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    for (std::size_t i = 0; i + 1 < edges[axis].size(); ++i) {
      double marginal = 0;
      for (std::size_t j = 0; j + 1 < edges[1 - axis].size(); ++j) {
        const double here = axis == 0 ? value(i, j) : value(j, i);
        marginal += here * width(1 - axis, j);
        if (axis == 0) square += here * here * width(0, i) * width(1, j);
      }
      squares[axis] += marginal * marginal * width(axis, i);
      if (axis == 0) mean += marginal * width(0, i);
    }
  }
  const double variance = square - mean * mean;
  const VarianceShares shares = Fanova(forest, rows.axes, {0, 1});
  EXPECT_NEAR(shares.single[0].mean, (squares[0] - mean * mean) / variance, 1e-9);
  EXPECT_NEAR(shares.single[1].mean, (squares[1] - mean * mean) / variance, 1e-9);
  EXPECT_NEAR(shares.single[0].mean + shares.single[1].mean + shares.pairs[0].mean, 1, 1e-9);
}

}  // namespace fanova_test
}  // namespace ddl
