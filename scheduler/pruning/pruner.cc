// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/pruner.h"

#include "scheduler/pruning/own_curve.h"
#include "scheduler/pruning/percentile.h"
#include "scheduler/pruning/racing.h"
#include "scheduler/pruning/rungs.h"

namespace ddl {

std::unique_ptr<Pruner> MakePruner(const EarlyTerminate& rule, int seeds,
                                   std::optional<std::int64_t> iterations) {
  switch (rule.type) {
    case PrunerType::kAsha:
      return std::make_unique<Asha>(rule, iterations);
    case PrunerType::kHyperband:
      return std::make_unique<Hyperband>(rule);
    case PrunerType::kMedian:
    case PrunerType::kPercentile:
      return std::make_unique<PercentilePruner>(rule);
    case PrunerType::kPatience:
      return std::make_unique<PatiencePruner>(rule);
    case PrunerType::kThreshold:
      return std::make_unique<ThresholdPruner>(rule);
    case PrunerType::kRacing:
      return std::make_unique<Racing>(rule, seeds);
  }
  return nullptr;
}

}  // namespace ddl
