// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// Stops a trial whose best so far is worse than a percentile of what the others had at that report
// (the median rule of Golovin et al., "Google Vizier", 2017, with values instead of running means).
class PercentilePruner : public Pruner {
 public:
  explicit PercentilePruner(const EarlyTerminate& rule)
      : percentile_(rule.type == PrunerType::kMedian ? 50 : rule.percentile),
        min_iter_(rule.min_iter),
        trials_needed_(rule.trials) {}
  std::optional<std::string> Report(const PrunerReport& report) override;

 private:
  double percentile_;
  std::int64_t min_iter_;
  std::int64_t trials_needed_;
  std::map<std::pair<std::int64_t, int>, std::vector<double>> values_;  // sorted; of a report, seed
  std::map<std::int64_t, double> best_;                                 // of a trial
};

}  // namespace ddl
