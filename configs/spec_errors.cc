// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_errors.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

void SpecErrors::Add(const SpecNode& node, std::string_view what, std::string_view hint) {
  if (!node.origin.empty()) {
    errors_.push_back(fmt::format("command line: {}: {}; {}", node.origin, what, hint));
    return;
  }
  Add(SpecFault{std::max(1, node.line), std::max(1, node.column), std::string(what),
                std::string(hint)});
}

void SpecErrors::Add(const SpecFault& fault) {
  errors_.push_back(fmt::format("{}:{}:{}: {}; {}{}", file_name_, fault.line, fault.column,
                                fault.what, fault.hint, Quote(fault.line, fault.column)));
}

void SpecErrors::AddWithin(const SpecNode& scalar, std::size_t offset, std::string_view what,
                           std::string_view hint) {
  const std::string_view at =
      scalar.origin.empty() ? TextFrom(scalar.line, scalar.column) : std::string_view();
  const bool is_quoted = scalar.is_quoted && at.size() > 1 && at.substr(1).starts_with(scalar.text);
  const bool is_plain = !scalar.is_quoted && at.starts_with(scalar.text);
  if (!is_quoted && !is_plain) {
    return Add(scalar, fmt::format("{} (character {})", what, offset + 1), hint);
  }
  SpecNode place = scalar;
  place.column += static_cast<int>(offset) + (is_quoted ? 1 : 0);
  Add(place, what, hint);
}

std::string_view SpecErrors::TextFrom(int line, int column) const {
  std::string_view rest = text_;
  for (int i = 1; i < line; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  const auto before = static_cast<std::size_t>(std::max(0, column - 1));
  return before < rest.size() ? rest.substr(before) : std::string_view();
}

// The line and a caret below the column; nothing for a line that is not there.
std::string SpecErrors::Quote(int line, int column) const {
  const std::string_view rest = TextFrom(line, 1);
  const std::string_view quoted = rest.substr(0, rest.find('\n'));
  constexpr std::size_t kWidest = 160;
  if (quoted.empty() || quoted.size() > kWidest) return {};
  const bool printable =
      std::ranges::none_of(quoted, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (!printable) return {};
  return fmt::format("\n  {}\n  {}^", quoted,
                     std::string(static_cast<std::size_t>(column - 1), ' '));
}

void SpecErrors::ThrowIfAny() const {
  if (errors_.empty()) return;
  std::string all;
  for (const std::string& error : errors_) {
    all += (all.empty() ? "" : "\n") + error;
  }
  throw Error(all, "", "");
}

}  // namespace ddl
