// SPDX-License-Identifier: Apache-2.0
// A sweep on its way, as lines: the live screen of `ddl sweep` and `ddl watch`, and the plain line
// outside a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "scheduler/core.h"

namespace ddl {

// The live screen of one sweep: counts, a bar, the best so far, and one line a running trial, in at
// most terminal.height - 1 lines. `running` may hold fewer trials than run.
[[nodiscard]] std::vector<std::string> ProgressLines(const SweepProgress& progress,
                                                     const std::vector<RunningTrial>& running,
                                                     Now now, const Terminal& terminal);

// "fashion-mlp: 41/96 done, 8 running, …", for pipes and logs.
[[nodiscard]] std::string PlainProgressLine(const SweepProgress& progress);

}  // namespace ddl
