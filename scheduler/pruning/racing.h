// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// A race over seeds (Maron and Moore, "Hoeffding Races", 1994; with the paired t-test of F-Race's
// successors): after each seed a configuration is held against the one with the best mean over the
// same seeds, and loses when it is worse with the confidence asked for. There are seeds - 1 looks
// at each, and the best is the luckiest of all its rivals, so the error is spread evenly over both
// (Bonferroni): looking often, and at many, costs nothing. Values that lie on steps tell no more
// than these do, however well they agree.
class Racing : public Pruner {
 public:
  Racing(const EarlyTerminate& rule, int seeds) : error_(1 - rule.confidence), seeds_(seeds) {}
  void End(const PrunerEnd& end) override;
  std::vector<Loser> Losers() override;
  void Lose(std::int64_t configuration) override;

 private:
  using Values = std::map<int, double>;  // by seed
  // Better ones are smaller: those with the most seeds, then by mean, then by number.
  using Rank = std::tuple<std::ptrdiff_t, double, std::int64_t>;

  [[nodiscard]] static Rank RankOf(std::int64_t configuration, const Values& values);
  // Whether `own` is worse than `best`, by the seeds that both have.
  [[nodiscard]] bool IsClearlyWorse(const Values& own, const Values& best) const;
  void NoteStep(double value);

  double error_;
  int seeds_;
  std::map<std::int64_t, Values> values_;  // by configuration
  std::set<Rank> ranking_;                 // of those that have not lost
  std::set<std::int64_t> open_;            // of these, those that lack seeds
  std::set<std::int64_t> lost_;
  std::set<double> seen_;  // all values
  double step_ = 0;        // the least difference of two of them; 0: there are no two
};

}  // namespace ddl
