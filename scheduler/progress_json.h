// SPDX-License-Identifier: Apache-2.0
// A sweep on its way as JSON: how it travels to viewers, and what `--json` prints.
#pragma once

#include <vector>

#include "configs/json.h"
#include "scheduler/core.h"

namespace ddl {

struct ProgressMessage {
  SweepProgress progress;
  std::vector<RunningTrial> running;
};

// The shape is documented in cli/README.md. `started_ns` is of the monotonic clock of this machine.
[[nodiscard]] Json ProgressJson(const SweepProgress& progress,
                                const std::vector<RunningTrial>& running);
// Throws Error when the JSON is not of that shape.
[[nodiscard]] ProgressMessage ProgressFromJson(const Json& message);

}  // namespace ddl
