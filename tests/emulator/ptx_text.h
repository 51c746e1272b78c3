// SPDX-License-Identifier: Apache-2.0
// Pieces of a line of PTX.
#pragma once

#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace ddl::emulator {

inline std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Up to a character of `ends`, which goes too.
inline std::string_view Take(std::string_view& text, std::string_view ends) {
  const std::size_t end = text.find_first_of(ends);
  const std::string_view taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return Trimmed(taken);
}

template <class Number>
Number ReadNumber(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error(fmt::format("'{}' is no number", text));
  }
  return number;
}

}  // namespace ddl::emulator
