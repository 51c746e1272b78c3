// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "configs/states.h"
#include "scheduler/search/adaptive_search.h"

namespace ddl {

// One seed of a configuration, as it stands.
struct SeedResult {
  TrialState state = TrialState::kWaiting;
  std::vector<double> values;  // one an objective; empty: one is missing or no number
};

// What came of the configuration once all of its seeds have ended, else nothing: the means of those
// that have values, and the best that came of a seed. `resource` is the caller's.
[[nodiscard]] std::optional<Outcome> OutcomeOverSeeds(const std::vector<SeedResult>& seeds);

}  // namespace ddl
