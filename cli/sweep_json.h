// SPDX-License-Identifier: Apache-2.0
// Rows of the store as the stable JSON that cli/README.md documents.
#pragma once

#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

[[nodiscard]] std::int64_t CountOf(const StateCounts& counts, TrialState state);
// Trials that ended in any way.
[[nodiscard]] std::int64_t EndedCount(const StateCounts& counts);
// With those that were planned and have no row yet.
[[nodiscard]] std::int64_t WaitingCount(const SweepLine& sweep);

// The number of trials; null where a sweep has no end (0 in the store, kOpenEnded of a spec).
[[nodiscard]] Json PlannedOrNull(std::int64_t trials);
[[nodiscard]] Json SweepJson(const SweepLine& sweep);
// `value` is the last value of the metric, `best_value` the best one.
[[nodiscard]] Json TrialJson(const TrialLine& trial);
// 0, the time of what has not been yet, is null.
[[nodiscard]] Json TimeOrNull(std::int64_t unix_ms);
// A trial's configuration as an object; an empty one when the text is no JSON object.
[[nodiscard]] Json ParametersOf(std::string_view params_json);

}  // namespace ddl
