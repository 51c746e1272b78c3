// SPDX-License-Identifier: Apache-2.0
// From a spec to its outcome: as the store's coordinator where there is none, else as a viewer of
// the one that is there, and as its heir when it goes.
#pragma once

#include <string>

#include "scheduler/admission.h"

namespace ddl {

// The store's folder, as store/location.h finds it; says on stderr where a new database goes that
// cannot be in the named folder.
[[nodiscard]] std::string StoreToConduct(const std::string& explicit_folder);

struct ConductOptions {
  std::string store_folder;
  bool json = false;
  bool quiet = false;
  bool detach = false;
  bool take_over = false;
};

// Returns the exit code of `ddl sweep`. Throws Error where the spec is refused.
[[nodiscard]] int Conduct(SweepRequest request, const ConductOptions& options);

// Watches the sweep ("" is the newest) of a running coordinator to its end. Throws Error when no
// coordinator runs.
[[nodiscard]] int WatchSweep(const std::string& sweep, const ConductOptions& options);

}  // namespace ddl
