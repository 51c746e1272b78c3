// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/forest.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "cli/knowledge/resample.h"
#include "cli/knowledge/tree_grower.h"

namespace ddl {

namespace {

std::vector<std::vector<std::uint32_t>> SortedRows(const Observations& observations) {
  std::vector<std::vector<std::uint32_t>> orders;
  for (const std::vector<double>& column : observations.columns) {
    std::vector<std::uint32_t> rows(column.size());
    std::iota(rows.begin(), rows.end(), 0U);
    std::ranges::stable_sort(rows, {}, [&column](std::uint32_t row) { return column[row]; });
    orders.push_back(std::move(rows));
  }
  return orders;
}

// As many draws with replacement as there are rows: how often each came.
std::vector<int> Bootstrap(std::size_t rows, std::uint64_t key) {
  std::vector<int> counts(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    ++counts[DrawBelow(rows, key, i)];
  }
  return counts;
}

// Gathers what trees say of the rows that they have not seen.
class OutOfBag {
 public:
  explicit OutOfBag(const Observations& observations)
      : observations_(observations),
        sums_(observations.values.size()),
        trees_(observations.values.size()) {}

  void Add(const Tree& tree, const std::vector<int>& counts) {
    for (std::size_t row = 0; row < counts.size(); ++row) {
      if (counts[row] > 0) continue;
      sums_[row] += Foretell(tree, observations_, row);
      ++trees_[row];
    }
  }

  [[nodiscard]] double Explained() const {
    double count = 0;
    double mean = 0;
    for (std::size_t row = 0; row < sums_.size(); ++row) {
      if (trees_[row] == 0) continue;
      mean += (observations_.values[row] - mean) / ++count;
    }
    double variance = 0;
    double error = 0;
    for (std::size_t row = 0; row < sums_.size(); ++row) {
      if (trees_[row] == 0) continue;
      const double value = observations_.values[row];
      const double missed = value - sums_[row] / trees_[row];
      variance += (value - mean) * (value - mean);
      error += missed * missed;
    }
    return variance > 0 ? 1 - error / variance : 0;
  }

 private:
  const Observations& observations_;
  std::vector<double> sums_;
  std::vector<int> trees_;
};

}  // namespace

Forest GrowForest(const Observations& observations, int trees, std::uint64_t seed) {
  const std::size_t rows = observations.values.size();
  assert(rows > 0 && !observations.columns.empty());
  assert(observations.columns.size() == observations.axes.size());
  // Around the mean, so that sums of squares keep their digits.
  const double mean = std::accumulate(observations.values.begin(), observations.values.end(), 0.0) /
                      static_cast<double>(rows);
  Observations centered = observations;
  for (double& value : centered.values) {
    value -= mean;
  }
  const auto orders = SortedRows(centered);
  Forest forest;
  forest.gains.resize(observations.axes.size());
  OutOfBag unseen(centered);
  for (int i = 0; i < trees; ++i) {
    const std::uint64_t key = StreamKey(seed, static_cast<std::uint64_t>(i));
    const std::vector<int> counts = Bootstrap(rows, key);
    TreeGrower grower(centered, orders, counts, Mix(key));
    Tree tree = grower.Grow();
    unseen.Add(tree, counts);
    for (std::size_t axis = 0; axis < forest.gains.size(); ++axis) {
      forest.gains[axis] += grower.Gains()[axis];
    }
    for (TreeNode& node : tree) {
      node.value += mean;
    }
    forest.trees.push_back(std::move(tree));
  }
  forest.explained = unseen.Explained();
  return forest;
}

double Foretell(const Tree& tree, const Observations& observations, std::size_t row) {
  const TreeNode* node = &tree.front();
  while (node->axis >= 0) {
    const auto axis = static_cast<std::size_t>(node->axis);
    const double at = observations.columns[axis][row];
    const bool goes_left = observations.axes[axis].categories.empty()
                               ? at < node->threshold
                               : ((node->left_categories >> static_cast<unsigned>(at)) & 1U) != 0;
    node = &tree[static_cast<std::size_t>(goes_left ? node->left : node->right)];
  }
  return node->value;
}

}  // namespace ddl
