// SPDX-License-Identifier: Apache-2.0
// From what a user typed to the sweep or the trial that is meant.
#pragma once

#include <string_view>

#include "store/reader.h"

namespace ddl {

// The newest sweep of that name, the one of NAME@ID, or the newest of all when it is empty. Throws
// Error naming the nearest one.
[[nodiscard]] SweepLine ChooseSweep(const StoreReader& reader, std::string_view name);

struct ChosenTrial {
  SweepLine sweep;
  TrialLine trial;
};

// NUMBER of the newest sweep, or SWEEP/NUMBER. Throws Error when there is none. A trial that is
// planned but has no row yet comes back as a waiting one without an id.
[[nodiscard]] ChosenTrial ChooseTrial(const StoreReader& reader, std::string_view text);

}  // namespace ddl
