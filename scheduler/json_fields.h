// SPDX-License-Identifier: Apache-2.0
// Optional values in JSON output: null where there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "configs/json.h"

namespace ddl {

template <class T>
[[nodiscard]] Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

[[nodiscard]] inline Json OrNull(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// A number, or one of the strings that stand for those JSON cannot write ("NaN", "Infinity",
// "-Infinity"); none for null. Throws Json::exception for anything else.
[[nodiscard]] std::optional<double> NumberFrom(const Json& value);

}  // namespace ddl
