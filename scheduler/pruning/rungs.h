// SPDX-License-Identifier: Apache-2.0
// Successive halving as it goes: at rungs, whose distances grow by eta, only a share of the trials
// goes on.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// What trials of a seed had at a rung, and which of those that came to it last are held there.
// What is kWorst neither goes on nor is promoted.
struct RungOfSeed {
  std::vector<double> values;                     // from the best on
  std::map<double, std::set<std::int64_t>> held;  // trials, by what counts for them
};
using RungsOfSeeds = std::map<std::pair<std::size_t, int>, RungOfSeed>;  // by rung and seed

// Asynchronous successive halving: a trial goes on past a rung once it is among the best 1/eta of
// those that have come to it so far (Li et al., "A System for Massively Parallel Hyperparameter
// Tuning", 2020). The best so far always goes on. One that is not stops; where it can be taken up
// again, it is held for its promotion, as in the paper's main variant. Of equals those that went on
// come first, then those that are held by number, and who has just come is the last: so no more go
// on than there are places, and that does not hang on the order of reports.
class Asha : public Pruner {
 public:
  Asha(const EarlyTerminate& rule, std::optional<std::int64_t> iterations);
  std::optional<std::string> Report(const PrunerReport& report) override;
  [[nodiscard]] bool Promotes() const override { return promotes_; }
  void Hold(std::int64_t trial) override;
  void Release(std::int64_t trial) override;
  std::vector<Promotion> Promoted() override;

 private:
  // A trial at the last rung that it has come to.
  struct Own {
    std::pair<std::size_t, int> at;
    double value = 0;
  };
  // How many go on; at least the best.
  [[nodiscard]] std::ptrdiff_t Places(const RungOfSeed& rung) const;

  double eta_;
  bool promotes_;
  std::vector<std::int64_t> rungs_;
  RungsOfSeeds at_rungs_;
  std::map<std::int64_t, Own> trials_;
};

// W&B's `early_terminate: {type: hyperband}`: at every report a trial is held against the value at
// place 1/eta of all trials that have come to the last rung it has passed, and stops when its best
// so far (strict: its value at the rung) is worse. It goes on when that value has become as bad.
class Hyperband : public Pruner {
 public:
  explicit Hyperband(const EarlyTerminate& rule);
  std::optional<std::string> Report(const PrunerReport& report) override;
  [[nodiscard]] bool Promotes() const override { return promotes_; }
  void Hold(std::int64_t trial) override;
  void Release(std::int64_t trial) override;
  std::vector<Promotion> Promoted() override;

 private:
  struct Own {
    double best = 0;
    double at_rung = 0;
    std::int64_t iteration = 0;
    int seed_index = 0;
  };
  [[nodiscard]] std::ptrdiff_t LastRung(std::int64_t iteration) const;
  [[nodiscard]] double CountsFor(const Own& own) const {
    return is_strict_ ? own.at_rung : own.best;
  }
  // The first place that does not go on.
  [[nodiscard]] std::size_t PlaceOf(const RungOfSeed& rung) const;
  // Nullptr: it has passed no rung.
  [[nodiscard]] RungOfSeed* RungOf(const Own& own);

  double eta_;
  bool is_strict_;
  bool promotes_;
  std::vector<std::int64_t> rungs_;
  RungsOfSeeds at_rungs_;
  std::map<std::int64_t, Own> trials_;
};

}  // namespace ddl
