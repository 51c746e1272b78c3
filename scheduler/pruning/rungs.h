// SPDX-License-Identifier: Apache-2.0
// Successive halving as it goes: at rungs, whose distances grow by eta, only a share of the trials
// goes on.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// Asynchronous successive halving, the variant that stops: a trial goes on past a rung if it is
// among the best 1/eta of those that have come to it so far (Li et al., "A System for Massively
// Parallel Hyperparameter Tuning", 2020). The best so far always goes on.
class Asha : public Pruner {
 public:
  Asha(const EarlyTerminate& rule, std::optional<std::int64_t> iterations);
  std::optional<std::string> Report(const PrunerReport& report) override;

 private:
  double eta_;
  std::vector<std::int64_t> rungs_;
  // Of a rung and a seed: what trials had there, from the best on.
  std::map<std::pair<std::size_t, int>, std::vector<double>> values_;
};

// W&B's `early_terminate: {type: hyperband}`: at every report a trial is held against the value at
// place 1/eta of all trials that have come to the last rung it has passed, and stops when its best
// so far (strict: its value at the rung) is worse.
class Hyperband : public Pruner {
 public:
  explicit Hyperband(const EarlyTerminate& rule);
  std::optional<std::string> Report(const PrunerReport& report) override;

 private:
  struct Own {
    double best = 0;
    double at_rung = 0;
  };
  [[nodiscard]] std::ptrdiff_t LastRung(std::int64_t iteration) const;

  double eta_;
  bool is_strict_;
  std::vector<std::int64_t> rungs_;
  std::map<std::pair<std::size_t, int>, std::vector<double>> values_;
  std::map<std::int64_t, Own> trials_;
};

}  // namespace ddl
