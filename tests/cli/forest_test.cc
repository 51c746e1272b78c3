// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/forest.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/cli/sample_observations.h"

namespace ddl {
namespace forest_test {

using test::Drawn;

std::size_t LeavesOf(const Tree& tree) {
  std::size_t leaves = 0;
  for (const TreeNode& node : tree)
    leaves += node.axis < 0 ? 1U : 0U;
  return leaves;
}

TEST(Forest, ForetellsEveryRowThatATreeHasSeen) {
  Observations rows = Drawn(3, 60, 1);
  test::SetValues(rows, [](const std::vector<double>& x) { return x[0] + 2 * x[1] * x[2]; });
  const Forest forest = GrowForest(rows, 8, 5);
  for (const Tree& tree : forest.trees) {
    // A bootstrap of 60 rows has some 38 of them, and each is a leaf: all values differ.
    int exact = 0;
    for (std::size_t row = 0; row < rows.values.size(); ++row)
      exact += std::abs(Foretell(tree, rows, row) - rows.values[row]) < 1e-12 ? 1 : 0;
    EXPECT_EQ(exact, LeavesOf(tree));
    EXPECT_GT(exact, 28);
    EXPECT_LT(exact, 48);
  }
}

TEST(Forest, IsTheSameForTheSameSeedOnly) {
  Observations rows = Drawn(3, 50, 2);
  test::SetValues(rows, [](const std::vector<double>& x) { return std::sin(9 * x[0]) + x[2]; });
  const Forest once = GrowForest(rows, 4, 7);
  const Forest again = GrowForest(rows, 4, 7);
  const Forest other = GrowForest(rows, 4, 8);
  const auto thresholds = [](const Forest& forest) {
    std::vector<double> all;
    for (const Tree& tree : forest.trees)
      for (const TreeNode& node : tree)
        all.push_back(node.threshold + node.value);
    return all;
  };
  EXPECT_EQ(thresholds(once), thresholds(again));
  EXPECT_NE(thresholds(once), thresholds(other));
}

TEST(Forest, PartsAStepWhereItIs) {
  Observations rows = Drawn(2, 200, 3);
  test::SetValues(rows, [](const std::vector<double>& x) { return x[1] < 0.4 ? 1.0 : 3.0; });
  const Forest forest = GrowForest(rows, 10, 1);
  for (const Tree& tree : forest.trees) {
    ASSERT_EQ(tree.size(), 3U);
    EXPECT_EQ(tree[0].axis, 1);
    EXPECT_NEAR(tree[0].threshold, 0.4, 0.03);
    EXPECT_DOUBLE_EQ(tree[1].value, 1);
    EXPECT_DOUBLE_EQ(tree[2].value, 3);
  }
  EXPECT_GT(forest.explained, 0.97);
  EXPECT_EQ(forest.gains[0], 0);
  EXPECT_GT(forest.gains[1], 0);
}

TEST(Forest, PartsCategoriesByTheirMeansWhateverTheirOrder) {
  Observations rows = Drawn(1, 100, 4);
  rows.axes[0].categories = {0.25, 0.25, 0.25, 0.25};
  for (double& at : rows.columns[0])
    at = std::floor(at * 4);
  test::SetValues(
      rows, [](const std::vector<double>& x) { return x[0] == 0 || x[0] == 3 ? 10.0 : -1.0; });
  for (const Tree& tree : GrowForest(rows, 5, 1).trees) {
    ASSERT_EQ(tree.size(), 3U);
    EXPECT_EQ(tree[0].left_categories, 0b0110U);  // the lower mean
  }
}

TEST(Forest, SendsCategoriesThatItHasNotSeenWithTheMany) {
  Observations rows;
  rows.axes = {{.categories = {0.25, 0.25, 0.25, 0.25}}};
  rows.columns = {{0, 0, 0, 0, 0, 0, 2}};
  rows.values = {1, 1, 1, 1, 1, 1, 5};
  int with_split = 0;
  for (const Tree& tree : GrowForest(rows, 20, 1).trees) {
    if (tree[0].axis < 0) continue;  // a bootstrap without the last row
    ++with_split;
    EXPECT_EQ(tree[0].left_categories, 0b1011U);
  }
  EXPECT_GT(with_split, 5);
}

TEST(Forest, SaysThatNoiseCannotBeForetold) {
  Observations rows = Drawn(4, 150, 5);
  rows.values = Drawn(1, 150, 77).columns[0];
  EXPECT_LT(GrowForest(rows, 64, 1).explained, 0.05);
}

TEST(Forest, PartsRowsWithoutTheParameterFromAllThatHaveIt) {
  Observations rows;
  rows.axes = {{.low = -1}};
  rows.columns = {{-0.5, -0.5, -0.5, -0.5, 0.0, 0.0, 0.9, 0.9}};
  rows.values = {0, 0, 0, 0, 4, 4, 4, 4};
  for (const Tree& tree : GrowForest(rows, 10, 1).trees) {
    if (tree[0].axis < 0) continue;
    EXPECT_EQ(tree[0].threshold, 0);
  }
}

TEST(Forest, OfEqualSplitsTakesTheParameterThatEveryRowHas) {
  Observations rows = Drawn(2, 80, 6);
  rows.axes[0] = {.low = -1, .is_conditional = true};
  for (std::size_t row = 0; row < 80; ++row) {
    rows.columns[1][row] = row % 2 == 0 ? 0.25 : 0.75;
    rows.columns[0][row] = row % 2 == 0 ? -0.5 : 0.5;
  }
  test::SetValues(rows, [](const std::vector<double>& x) { return x[1]; });
  for (const Tree& tree : GrowForest(rows, 10, 1).trees)
    EXPECT_EQ(tree[0].axis, 1);
}

}  // namespace forest_test
}  // namespace ddl
