// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <system_error>

#include "configs/error.h"

namespace ddl {

// What the standard library says of a host that refuses something.
[[nodiscard]] Error AsError(const std::system_error& problem);
[[nodiscard]] Error NoMemory();

// Prints the error on stderr (as one JSON object with `json`); returns the exit code, 2 or 3.
[[nodiscard]] int ReportError(const Error& error, bool json);

}  // namespace ddl
