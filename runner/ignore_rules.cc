// SPDX-License-Identifier: Apache-2.0
#include "runner/ignore_rules.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "runner/wildcard.h"

namespace ddl {

namespace {

// Spaces at the end do not count, unless a backslash stands before them.
std::string_view WithoutEndSpaces(std::string_view line) {
  std::size_t spaces = std::string_view::npos;  // where those at the end begin
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ') {
      spaces = std::min(spaces, i);
      continue;
    }
    if (line[i] == '\\') ++i;
    spaces = std::string_view::npos;
  }
  return line.substr(0, spaces);
}

}  // namespace

IgnoreRules::IgnoreRules(std::string_view text, std::string folder) : folder_(std::move(folder)) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";  // of UTF-8, as some editors write it
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    Add(line);
  }
}

void IgnoreRules::Add(std::string_view line) {
  if (line.starts_with('#')) return;
  line = WithoutEndSpaces(line);
  Rule rule;
  if (line.starts_with('!')) {
    rule.brings_back = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    rule.of_folders = true;
    line.remove_suffix(1);
  }
  rule.is_anchored = line.find('/') != std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  if (line.empty()) return;
  rule.pattern = line;
  rules_.push_back(std::move(rule));
}

std::optional<bool> IgnoreRules::IsIgnored(std::string_view path, bool is_folder) const {
  if (!folder_.empty()) {
    if (!path.starts_with(folder_) || path.substr(folder_.size(), 1) != "/") return std::nullopt;
    path.remove_prefix(folder_.size() + 1);
  }
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const Rule& rule : std::views::reverse(rules_)) {
    if (rule.of_folders && !is_folder) continue;
    if (MatchesWildcard(rule.pattern, rule.is_anchored ? path : name)) return !rule.brings_back;
  }
  return std::nullopt;
}

std::optional<bool> IsIgnored(const std::vector<IgnoreRules>& rules, std::string_view path,
                              bool is_folder) {
  for (const IgnoreRules& of_folder : std::views::reverse(rules)) {
    const std::optional<bool> word = of_folder.IsIgnored(path, is_folder);
    if (word) return word;
  }
  return std::nullopt;
}

}  // namespace ddl
