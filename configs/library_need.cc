// SPDX-License-Identifier: Apache-2.0
#include "configs/library_need.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::string_view kNeedMark = "ddl needs ";
constexpr char kNeedEnd = ';';
constexpr std::size_t kLongestNeed = 100;

// "libcublasLt.so.13 130100"
std::optional<LibraryNeed> ParseNeed(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || !text.starts_with("lib")) return std::nullopt;
  LibraryNeed need{.name = std::string(text.substr(0, space))};
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data() + space + 1, end, need.version);
  const bool is_path = need.name.find('/') != std::string::npos;
  if (problem != std::errc() || stop != end || is_path) return std::nullopt;
  return need;
}

}  // namespace

std::vector<LibraryNeed> LibraryNeedsOf(const std::string& gpu_library) {
  std::ifstream file(gpu_library, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<LibraryNeed> needs;
  for (std::size_t at = bytes.find(kNeedMark); at != std::string::npos;
       at = bytes.find(kNeedMark, at + 1)) {
    const std::string_view text =
        std::string_view(bytes).substr(at + kNeedMark.size(), kLongestNeed);
    const std::size_t end = text.find(kNeedEnd);
    if (end == std::string_view::npos) continue;
    auto need = ParseNeed(text.substr(0, end));
    if (need && std::ranges::find(needs, *need) == needs.end()) needs.push_back(*std::move(need));
  }
  return needs;
}

std::string LibraryVersionText(std::int64_t version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::optional<std::int64_t> VersionInFileName(std::string_view path, std::string_view name) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const std::string_view stem = name.substr(0, name.find(".so") + 3);
  if (!file.starts_with(stem) || file.substr(stem.size()).empty()) return std::nullopt;
  std::array<std::int64_t, 3> parts{};
  std::string_view rest = file.substr(stem.size());
  for (std::int64_t& part : parts) {
    if (rest.empty() || rest.front() != '.') return std::nullopt;
    const char* const end = rest.data() + rest.size();
    const auto [stop, problem] = std::from_chars(rest.data() + 1, end, part);
    if (problem != std::errc() || part < 0 || part > 99) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
  }
  return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

std::string VersionCallOf(std::string_view name) {
  const std::string_view stem = name.substr(0, name.find(".so"));
  return std::string(stem.substr(stem.starts_with("lib") ? 3 : 0)) + "GetVersion";
}

}  // namespace ddl
