// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// A race over seeds (Maron and Moore, "Hoeffding Races", 1994; with the paired t-test of F-Race's
// successors): after each seed a configuration is held against the one with the best mean over the
// same seeds, and loses when it is worse with the confidence asked for. There are seeds - 1 looks
// at each, and the error is spread evenly over them (Bonferroni), so that looking often costs
// nothing.
class Racing : public Pruner {
 public:
  Racing(const EarlyTerminate& rule, int seeds) : error_(1 - rule.confidence), seeds_(seeds) {}
  std::vector<Loser> End(const PrunerEnd& end) override;

 private:
  [[nodiscard]] const std::map<int, double>* Leader() const;
  // Whether `own` is worse than `best`, by the seeds that both have.
  [[nodiscard]] bool IsClearlyWorse(const std::map<int, double>& own,
                                    const std::map<int, double>& best) const;

  double error_;
  int seeds_;
  std::map<std::int64_t, std::map<int, double>> values_;  // by configuration and seed
  std::set<std::int64_t> lost_;
};

}  // namespace ddl
