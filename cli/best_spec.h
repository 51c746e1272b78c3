// SPDX-License-Identifier: Apache-2.0
// The best configuration of a sweep as a spec of its own.
#pragma once

#include <string>

#include "cli/report.h"
#include "configs/spec.h"

namespace ddl {

// The sweep's spec as YAML, with each parameter fixed at its best value, and the search and its
// limits left away: `ddl sweep` runs it as it is. Seeds are kept.
[[nodiscard]] std::string BestSpecText(const SweepSpec& spec, const BestConfiguration& best);

}  // namespace ddl
