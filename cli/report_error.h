// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "configs/error.h"

namespace ddl {

// Prints the error on stderr (as one JSON object with `json`); returns the exit code, 2 or 3.
[[nodiscard]] int ReportError(const Error& error, bool json);

}  // namespace ddl
