// SPDX-License-Identifier: Apache-2.0
#include "runner/tree_stream.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ddl {

std::string TreeHeadLine(const TreeHead& head) {
  std::string line(1, head.kind);
  for (const std::int64_t value : {head.size, head.mtime, head.mode, head.from, head.path_size}) {
    line += ' ';
    line += std::to_string(value);
  }
  return line + '\n';
}

std::optional<TreeHead> ParseTreeHead(std::string_view line) {
  constexpr std::string_view kKinds = "hgdfle";
  if (line.empty() || kKinds.find(line.front()) == std::string_view::npos) return std::nullopt;
  TreeHead head{.kind = line.front()};
  line.remove_prefix(1);
  const std::array fields{&head.size, &head.mtime, &head.mode, &head.from, &head.path_size};
  for (std::int64_t* field : fields) {
    if (!line.starts_with(' ')) return std::nullopt;
    line.remove_prefix(1);
    const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), *field);
    if (problem != std::errc()) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
  const bool has_path = head.kind != 'g' && head.kind != 'e';
  const bool is_sound = line.empty() && head.size >= 0 && head.from >= 0 &&
                        head.from <= head.size && head.path_size <= kLongestTreePath &&
                        (head.path_size > 0) == has_path;
  return is_sound ? std::optional(head) : std::nullopt;
}

bool IsPathInside(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace ddl
