// SPDX-License-Identifier: Apache-2.0
// Ended trials from the best to the worst: finished ones by value, then pruned ones, the longest
// first and by value among equals, then failed ones. Of several objectives by rank of
// non-domination, and of a rank that goes in only in part those that together dominate most, as
// Ozaki et al. have it ("Multiobjective tree-structured Parzen estimator", 2022). What it says does
// not depend on the order in which trials came.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "scheduler/search/adaptive_search.h"
#include "scheduler/search/pareto.h"

namespace ddl {

class TrialRanking {
 public:
  // Nobody will ask for more than `most` at once.
  TrialRanking(std::size_t objectives, std::size_t most) : objectives_(objectives), most_(most) {}

  // Neither running nor canceled ones.
  void Add(std::int64_t number, const Outcome& outcome);
  void Remove(std::int64_t number, const Outcome& outcome);
  [[nodiscard]] std::vector<std::int64_t> Best(std::size_t count) const;

 private:
  // Class, then what decides within it.
  using Key = std::tuple<int, double, double, std::int64_t>;
  // Of several objectives: a finished trial and how many others dominate it.
  struct Contender {
    Objectives values;
    std::size_t dominators = 0;
  };

  [[nodiscard]] Key KeyOf(std::int64_t number, const Outcome& outcome) const;
  [[nodiscard]] bool IsContender(const Outcome& outcome) const;
  [[nodiscard]] std::vector<std::int64_t> BestContenders(std::size_t count) const;

  std::size_t objectives_;
  std::size_t most_;
  std::set<Key> ordered_;
  std::map<std::int64_t, Objectives> finished_;  // several objectives
  // Those that fewer than `most_` dominate: with as many before it, none is ever among the best.
  std::map<std::int64_t, Contender> contenders_;
};

}  // namespace ddl
