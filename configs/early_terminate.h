// SPDX-License-Identifier: Apache-2.0
// `early_terminate`: which running trials are stopped before their end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "configs/json.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

enum class PrunerType : std::uint8_t {
  kAsha,        // at each rung the best of a share go on
  kHyperband,   // as W&B has it
  kMedian,      // its best so far is worse than the median of others then
  kPercentile,  // the same with another share than half
  kPatience,    // its own metric does not get better any more
  kThreshold,   // its own metric is beyond a bound
  kRacing,      // seeds of a configuration that has clearly lost
};

// Iterations are reports of the metric. What a type has no use for keeps its default.
struct EarlyTerminate {
  PrunerType type = PrunerType::kAsha;
  std::int64_t min_iter = 1;             // no trial is stopped before
  std::optional<std::int64_t> max_iter;  // iterations of a whole trial
  double eta = 3;                        // asha, hyperband: one in so many goes on at a rung
  std::optional<std::int64_t> s;         // hyperband with max_iter: rungs, counted from the end
  bool strict = false;                   // hyperband: its value at the rung counts, not its best
  double percentile = 50;                // percentile: per cent of the trials that are good enough
  std::int64_t trials = 5;      // median, percentile: others that must have come as far before
  std::int64_t patience = 3;    // patience: reports without getting better
  double min_delta = 0;         // patience: less is no better
  std::optional<double> lower;  // threshold: below is beyond
  std::optional<double> upper;
  double confidence = 0.95;  // racing: that a loser is one, over all its looks together
  // asha, hyperband, median, percentile: a trial that left with a checkpoint goes on when others
  // turn out to be worse. False: stopped is stopped for good.
  bool promote = true;
};

[[nodiscard]] std::string_view ToString(PrunerType type);

[[nodiscard]] std::optional<EarlyTerminate> ReadEarlyTerminate(const SpecNode& node,
                                                               SpecErrors& errors);
// What it needs of the rest of its spec; `method`: nullptr where the spec has none.
void CheckEarlyTerminate(const SpecNode& node, bool has_metric, int seeds, const SpecNode* method,
                         SpecErrors& errors);

// What the type uses and nothing else.
[[nodiscard]] Json ToJson(const EarlyTerminate& rule);
// Throws Json::exception where it is not what ToJson writes.
[[nodiscard]] EarlyTerminate EarlyTerminateFromJson(const Json& json);

}  // namespace ddl
