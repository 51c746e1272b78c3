// SPDX-License-Identifier: Apache-2.0
// An Error on its way to another process, with all its parts.
#pragma once

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

// {"what", "where", "hint", "kind"}; `kind` is "usage" or "infrastructure".
[[nodiscard]] Json ErrorToJson(const Error& error);
// Any object will do: what is not there, or is no text, is "", and the kind usage.
[[nodiscard]] Error ErrorFromJson(const Json& json);

}  // namespace ddl
