// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/tree_grower.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "configs/mix.h"

namespace ddl {

TreeGrower::TreeGrower(const Observations& observations,
                       const std::vector<std::vector<std::uint32_t>>& orders,
                       const std::vector<int>& counts, std::uint64_t salt)
    : observations_(observations),
      counts_(counts),
      salt_(salt),
      orders_(orders.size()),
      goes_left_(counts.size()),
      gains_(orders.size()) {
  for (std::size_t axis = 0; axis < orders.size(); ++axis) {
    std::ranges::copy_if(orders[axis], std::back_inserter(orders_[axis]),
                         [&](std::uint32_t row) { return counts[row] > 0; });
  }
  aside_.reserve(orders_.front().size());
}

Tree TreeGrower::Grow() {
  Tree tree(1);
  std::vector<Branch> open{Whole()};
  while (!open.empty()) {
    const Branch branch = open.back();
    open.pop_back();
    tree[static_cast<std::size_t>(branch.node)].value = branch.sum / branch.weight;
    if (IsPure(branch)) continue;
    const Split split = BestSplit(branch);
    if (split.axis < 0) continue;
    gains_[static_cast<std::size_t>(split.axis)] +=
        split.score - branch.sum * branch.sum / branch.weight;
    std::array<Branch, 2> halves = Part(branch, split);
    for (Branch& half : halves) {
      half.node = static_cast<int>(tree.size());
      tree.emplace_back();
      open.push_back(half);
    }
    TreeNode& node = tree[static_cast<std::size_t>(branch.node)];
    node.axis = split.axis;
    node.threshold = split.threshold;
    node.left_categories = split.left_categories;
    node.left = halves[0].node;
    node.right = halves[1].node;
  }
  return tree;
}

TreeGrower::Branch TreeGrower::Whole() {
  Branch whole{.end = orders_.front().size()};
  double squares = 0;
  for (const std::uint32_t row : orders_.front()) {
    const double value = observations_.values[row];
    whole.weight += counts_[row];
    whole.sum += counts_[row] * value;
    squares += counts_[row] * value * value;
  }
  tolerance_ = 1e-12 * squares;
  return whole;
}

bool TreeGrower::IsPure(const Branch& branch) const {
  const std::vector<std::uint32_t>& rows = orders_.front();
  const double first = observations_.values[rows[branch.begin]];
  for (std::size_t i = branch.begin + 1; i < branch.end; ++i) {
    if (observations_.values[rows[i]] != first) return false;
  }
  return true;
}

// Equal splits are common where parameters come from lists: no axis is favoured then but those that
// every row has. A parameter that only some have tells the same as the one that decides about it.
TreeGrower::Split TreeGrower::BestSplit(const Branch& branch) const {
  const std::size_t axes = orders_.size();
  const std::size_t first = Mix(salt_ + static_cast<std::uint64_t>(branch.node)) % axes;
  Split best{.score = -std::numeric_limits<double>::infinity()};
  for (const bool is_conditional : {false, true}) {
    for (std::size_t i = 0; i < axes; ++i) {
      const std::size_t axis = (first + i) % axes;
      if (observations_.axes[axis].is_conditional != is_conditional) continue;
      if (observations_.axes[axis].categories.empty()) {
        TryOrdered(branch, axis, best);
      } else {
        TryCategorical(branch, axis, best);
      }
    }
  }
  return best;
}

void TreeGrower::Offer(const Split& split, Split& best) const {
  const double margin = best.axis == split.axis ? 0 : tolerance_;
  if (split.score > best.score + margin) best = split;
}

void TreeGrower::TryOrdered(const Branch& branch, std::size_t axis, Split& best) const {
  const std::vector<double>& column = observations_.columns[axis];
  const std::vector<std::uint32_t>& rows = orders_[axis];
  double weight = 0;
  double sum = 0;
  for (std::size_t i = branch.begin; i + 1 < branch.end; ++i) {
    weight += counts_[rows[i]];
    sum += counts_[rows[i]] * observations_.values[rows[i]];
    const double here = column[rows[i]];
    const double next = column[rows[i + 1]];
    if (here == next) continue;
    const double rest = branch.sum - sum;
    // Below 0 stand the rows that do not have the parameter. Between neighbours of the last digit
    // the middle is one of them.
    const double middle = here < 0 && next >= 0 ? 0 : here + (next - here) / 2;
    Offer({.axis = static_cast<int>(axis),
           .score = sum * sum / weight + rest * rest / (branch.weight - weight),
           .threshold = middle > here ? middle : next},
          best);
  }
}

// Categories in the order of their means: one of the cuts of that order is the best of all ways to
// part them (Fisher: On grouping for maximum homogeneity, 1958).
void TreeGrower::TryCategorical(const Branch& branch, std::size_t axis, Split& best) const {
  struct Group {
    double weight = 0;
    double sum = 0;
  };
  std::array<Group, kMostCategories> groups{};
  for (std::size_t i = branch.begin; i < branch.end; ++i) {
    const std::uint32_t row = orders_[axis][i];
    Group& group = groups[static_cast<std::size_t>(observations_.columns[axis][row])];
    group.weight += counts_[row];
    group.sum += counts_[row] * observations_.values[row];
  }
  std::vector<std::size_t> present;
  std::uint64_t absent = 0;
  for (std::size_t c = 0; c < observations_.axes[axis].categories.size(); ++c) {
    if (groups[c].weight > 0) {
      present.push_back(c);
    } else {
      absent |= std::uint64_t{1} << c;
    }
  }
  std::ranges::stable_sort(present, {},
                           [&groups](std::size_t c) { return groups[c].sum / groups[c].weight; });
  double weight = 0;
  double sum = 0;
  std::uint64_t left = 0;
  for (std::size_t i = 0; i + 1 < present.size(); ++i) {
    weight += groups[present[i]].weight;
    sum += groups[present[i]].sum;
    left |= std::uint64_t{1} << present[i];
    const double rest = branch.sum - sum;
    // What no row here has goes with the many.
    const bool is_left_larger = weight * 2 >= branch.weight;
    Offer({.axis = static_cast<int>(axis),
           .score = sum * sum / weight + rest * rest / (branch.weight - weight),
           .left_categories = is_left_larger ? left | absent : left},
          best);
  }
}

std::array<TreeGrower::Branch, 2> TreeGrower::Part(const Branch& branch, const Split& split) {
  const auto axis = static_cast<std::size_t>(split.axis);
  const std::vector<double>& column = observations_.columns[axis];
  const bool is_ordered = observations_.axes[axis].categories.empty();
  Branch left{.begin = branch.begin, .end = branch.begin};
  for (std::size_t i = branch.begin; i < branch.end; ++i) {
    const std::uint32_t row = orders_[axis][i];
    const bool goes_left =
        is_ordered ? column[row] < split.threshold
                   : ((split.left_categories >> static_cast<unsigned>(column[row])) & 1U) != 0;
    goes_left_[row] = goes_left ? 1 : 0;
    if (!goes_left) continue;
    ++left.end;
    left.weight += counts_[row];
    left.sum += counts_[row] * observations_.values[row];
  }
  for (std::vector<std::uint32_t>& rows : orders_) {
    aside_.clear();
    std::size_t next = branch.begin;
    for (std::size_t i = branch.begin; i < branch.end; ++i) {
      if (goes_left_[rows[i]] != 0) {
        rows[next++] = rows[i];
      } else {
        aside_.push_back(rows[i]);
      }
    }
    std::ranges::copy(aside_, rows.begin() + static_cast<std::ptrdiff_t>(next));
  }
  const Branch right{.begin = left.end,
                     .end = branch.end,
                     .weight = branch.weight - left.weight,
                     .sum = branch.sum - left.sum};
  return {left, right};
}

}  // namespace ddl
