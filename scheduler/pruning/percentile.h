// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// Stops a trial whose best so far is worse than a percentile of what the others had at that report
// (the median rule of Golovin et al., "Google Vizier", 2017, with values instead of running means).
// It goes on when what others had at its last report has become as bad.
class PercentilePruner : public Pruner {
 public:
  explicit PercentilePruner(const EarlyTerminate& rule)
      : percentile_(rule.type == PrunerType::kMedian ? 50 : rule.percentile),
        min_iter_(rule.min_iter),
        trials_needed_(rule.trials),
        promotes_(rule.promote) {}
  std::optional<std::string> Report(const PrunerReport& report) override;
  [[nodiscard]] bool Promotes() const override { return promotes_; }
  void Hold(std::int64_t trial) override;
  void Release(std::int64_t trial) override;
  std::vector<Promotion> Promoted() override;

 private:
  struct Own {
    double best = 0;
    double value = 0;  // at `at`, its last report
    std::pair<std::int64_t, int> at;
  };
  // A report of trials of one seed.
  struct Column {
    std::vector<double> values;                      // sorted
    std::set<std::pair<double, std::int64_t>> held;  // the best of a trial that came no farther
  };
  // The bound that others than it set, where they are enough and it is worse.
  [[nodiscard]] std::optional<double> Falls(const Column& column, const Own& own) const;
  [[nodiscard]] double WorstBound(const Column& column) const;

  double percentile_;
  std::int64_t min_iter_;
  std::int64_t trials_needed_;
  bool promotes_;
  std::map<std::pair<std::int64_t, int>, Column> columns_;  // by report and seed
  std::set<std::pair<std::int64_t, int>> moved_;  // columns to be looked at for promotions
  std::map<std::int64_t, Own> trials_;
};

}  // namespace ddl
