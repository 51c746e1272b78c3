// SPDX-License-Identifier: Apache-2.0
// Looks at a sweep through the socket of its coordinator.
#pragma once

#include <optional>

#include "cli/screen.h"
#include "runner/control_client.h"
#include "scheduler/control_words.h"

namespace ddl {

// Says `first`, then shows what comes back until the sweep has ended: the exit code. Nothing when
// the coordinator went away. With `leave_at_once` returns after the answer to `first`. Throws Error
// when the coordinator refuses.
[[nodiscard]] std::optional<int> View(ControlClient& client, const ControlWord& first,
                                      ScreenKind kind, bool leave_at_once);

}  // namespace ddl
