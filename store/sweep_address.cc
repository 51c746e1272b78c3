// SPDX-License-Identifier: Apache-2.0
#include "store/sweep_address.h"

#include <charconv>

#include <fmt/format.h>

#include "store/reader.h"

namespace ddl {

std::string ToString(const SweepAddress& address) {
  return fmt::format("{}@{}", address.name, address.id.value);
}

std::optional<SweepAddress> ParseSweepAddress(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  SweepAddress address{.name = std::string(text.substr(0, at)), .id = {}};
  const std::string_view digits = text.substr(at + 1);
  const char* end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, address.id.value);
  if (problem != std::errc() || rest != end || address.id.value <= 0) return std::nullopt;
  return address;
}

std::string SweepLine::Address() const {
  return is_newest ? name : ToString(SweepAddress{name, id});
}

}  // namespace ddl
