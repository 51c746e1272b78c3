// SPDX-License-Identifier: Apache-2.0
// Grows one tree of a forest. Rows are sorted by each axis once; splitting keeps that order, so
// that a level of the tree costs one pass over rows and axes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cli/knowledge/forest.h"

namespace ddl {

class TreeGrower {
 public:
  // `orders`: for each axis the rows by rising coordinate. `counts`: how often each row was drawn.
  // All of them outlive the grower; `salt` chooses among equal splits.
  TreeGrower(const Observations& observations,
             const std::vector<std::vector<std::uint32_t>>& orders, const std::vector<int>& counts,
             std::uint64_t salt);
  [[nodiscard]] Tree Grow();
  [[nodiscard]] const std::vector<double>& Gains() const { return gains_; }

 private:
  struct Branch {  // rows begin … end - 1 of every order
    int node = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    double weight = 0;
    double sum = 0;
  };
  struct Split {
    int axis = -1;
    double score = 0;  // larger is better; comparable within a branch
    double threshold = 0;
    std::uint64_t left_categories = 0;
  };

  [[nodiscard]] Branch Whole();
  [[nodiscard]] bool IsPure(const Branch& branch) const;
  [[nodiscard]] Split BestSplit(const Branch& branch) const;
  void TryOrdered(const Branch& branch, std::size_t axis, Split& best) const;
  void TryCategorical(const Branch& branch, std::size_t axis, Split& best) const;
  void Offer(const Split& split, Split& best) const;
  // Moves what goes left to the front of every order; the two halves.
  [[nodiscard]] std::array<Branch, 2> Part(const Branch& branch, const Split& split);

  const Observations& observations_;
  const std::vector<int>& counts_;
  std::uint64_t salt_;
  std::vector<std::vector<std::uint32_t>> orders_;  // of the rows that were drawn
  std::vector<char> goes_left_;                     // by row
  std::vector<std::uint32_t> aside_;
  std::vector<double> gains_;
  double tolerance_ = 0;  // scores that differ by less are equal
};

}  // namespace ddl
