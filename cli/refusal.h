// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

// The Error that a coordinator's answer over its socket tells, with all its parts. Nothing where it
// refused nothing. An answer of an older coordinator has a text alone: that is the message then.
[[nodiscard]] std::optional<Error> RefusalIn(const Json& answer);

}  // namespace ddl
