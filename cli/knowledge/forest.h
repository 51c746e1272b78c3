// SPDX-License-Identifier: Apache-2.0
// A forest of regression trees: what values follow from which coordinates. Breiman: Random forests
// (2001); of its freedoms this is the forest of Hutter, Hoos and Leyton-Brown (2014): every tree on
// a bootstrap of the rows, every split the best of all axes, down to leaves of equal values.
#pragma once

#include <cstdint>
#include <vector>

namespace ddl {

inline constexpr std::size_t kMostCategories = 64;

// What the coordinates of one axis can be, and how much of the space each has.
struct Axis {
  std::vector<double> categories;  // the share of each, at most kMostCategories; empty: ordered
  double low = 0;                  // ordered: coordinates are even in [low, 1]; at most 0
  std::int64_t levels = 0;         // ordered: values that it takes, evenly; 0: a continuum
  // Some rows do not have it: they stand below 0, or in the last category. Of equal splits it
  // comes last.
  bool is_conditional = false;
};

// Rows to learn from. `columns` has one vector an axis, each as long as `values`: coordinates, or
// 0, 1, … for categories. All finite.
struct Observations {
  std::vector<Axis> axes;
  std::vector<std::vector<double>> columns;
  std::vector<double> values;
};

struct TreeNode {
  int axis = -1;                      // -1: a leaf
  double threshold = 0;               // ordered: what is below goes left
  std::uint64_t left_categories = 0;  // bit c: category c goes left
  int left = -1;                      // index in the tree; children come after their parent
  int right = -1;
  double value = 0;  // of a leaf: the mean of its rows
};
using Tree = std::vector<TreeNode>;  // the root first

struct Forest {
  std::vector<Tree> trees;
  // Share of the variance that trees foretell in rows they were not grown on; below 0 where they do
  // worse than the mean, 0 where no row is left out by any tree.
  double explained = 0;
  // By axis: how much its splits take from the squared error, over all trees.
  std::vector<double> gains;
};

// At least one row and one axis. The same rows and seed give the same forest, bit for bit.
[[nodiscard]] Forest GrowForest(const Observations& observations, int trees, std::uint64_t seed);
[[nodiscard]] double Foretell(const Tree& tree, const Observations& observations, std::size_t row);

}  // namespace ddl
