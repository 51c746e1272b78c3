// SPDX-License-Identifier: Apache-2.0
// The door through which JSON text enters and leaves. Guards what the library does not: NaN and
// infinities, duplicate keys, bad UTF-8, and nesting so deep that copying the value would crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace ddl {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 64;

// Throws Error naming `where` and the byte on bad syntax, duplicate keys or nesting beyond
// kMaxJsonDepth. Accepts NaN, Infinity and -Infinity as numbers where `allow_non_finite`.
[[nodiscard]] Json ParseJson(std::string_view text, std::string_view where,
                             bool allow_non_finite = false);

// One line (indent < 0) or indented text. Never throws: bad UTF-8 is replaced; NaN and infinities
// are written as the strings "NaN", "Infinity" and "-Infinity", which every JSON reader accepts.
[[nodiscard]] std::string DumpJson(const Json& value, int indent = -1);

// For numbers that no user typed: the library alone turns true into 1 and 1e300 into anything.
// Throws Error unless `value` is a whole number that Integer holds.
template <class Integer>
[[nodiscard]] Integer WholeNumber(const Json& value);

// The shortest text that reads back as the same double ("0.1", "3", "1e-05", "NaN", "-Infinity").
[[nodiscard]] std::string FormatNumber(double value);

[[noreturn]] void ThrowNotWhole(const Json& value);

template <class Integer>
Integer WholeNumber(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
  } else if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
  }
  ThrowNotWhole(value);
}

}  // namespace ddl
