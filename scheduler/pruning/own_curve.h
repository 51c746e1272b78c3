// SPDX-License-Identifier: Apache-2.0
// Rules that look at the trial alone.
#pragma once

#include <map>

#include "scheduler/pruning/pruner.h"

namespace ddl {

// Stops a trial that has not got better by min_delta for `patience` reports (early stopping, as
// Prechelt, "Early Stopping – But When?", 1998, has it).
class PatiencePruner : public Pruner {
 public:
  explicit PatiencePruner(const EarlyTerminate& rule) : rule_(rule) {}
  std::optional<std::string> Report(const PrunerReport& report) override;

 private:
  struct Best {
    double value = 0;
    std::int64_t iteration = 0;
  };
  EarlyTerminate rule_;
  std::map<std::int64_t, Best> best_;
};

// Stops a trial whose metric is beyond a bound, or no number, from min_iter on. Bounds are of the
// metric as it is reported.
class ThresholdPruner : public Pruner {
 public:
  explicit ThresholdPruner(const EarlyTerminate& rule) : rule_(rule) {}
  std::optional<std::string> Report(const PrunerReport& report) override;

 private:
  EarlyTerminate rule_;
};

}  // namespace ddl
