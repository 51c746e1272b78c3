// SPDX-License-Identifier: Apache-2.0
#include "cli/trial_name.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "configs/error.h"

namespace ddl {

namespace {

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < 1) return {};
  return number;
}

// Insertions, deletions and replacements that turn one into the other (Levenshtein).
std::size_t Distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

TrialName ParseTrialName(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  const bool plain = slash == std::string_view::npos;
  const auto number = ParseNumber(plain ? text : text.substr(slash + 1));
  if (!number || slash == 0) {
    throw Error(fmt::format("\"{}\" names no trial", OneLine(text)), "",
                "give its number (17) or the sweep and the number (fashion-mlp/17)");
  }
  return {plain ? std::string() : std::string(text.substr(0, slash)), *number};
}

TargetName ParseTargetName(std::string_view text) {
  if (text.empty()) return {};
  if (text.ends_with('/')) return {std::string(text.substr(0, text.size() - 1)), std::nullopt};
  if (const auto number = ParseNumber(text)) return {"", number};
  if (text.find('/') == std::string_view::npos) return {std::string(text), std::nullopt};
  TrialName trial = ParseTrialName(text);
  return {std::move(trial.sweep), trial.number};
}

std::string NearestName(std::string_view unknown, std::span<const std::string> known) {
  std::string nearest;
  // A third of the letters may differ, two in short names.
  std::size_t least = std::max<std::size_t>(2, unknown.size() / 3) + 1;
  for (const std::string& name : known) {
    const std::size_t distance = Distance(unknown, name);
    if (distance >= std::min(least, name.size())) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

}  // namespace ddl
