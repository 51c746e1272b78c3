// SPDX-License-Identifier: Apache-2.0
// TERM means: checkpoint now and leave.
#pragma once

namespace ddl {

// From now on SIGTERM does not end the process but is remembered.
void CatchStopSignal();

// Whether it has come.
[[nodiscard]] bool IsStopAsked();

}  // namespace ddl
