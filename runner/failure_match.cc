// SPDX-License-Identifier: Apache-2.0
#include "runner/failure_match.h"

#include <algorithm>
#include <optional>
#include <regex>

namespace ddl {

namespace {

std::optional<std::regex> Compiled(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error&) {
    return std::nullopt;  // the reader of the spec has refused it; this is a word of somebody else
  }
}

}  // namespace

FailureMatch FindFailure(const std::vector<std::string>& patterns, std::string_view log_end) {
  for (const std::string& pattern : patterns) {
    const std::optional<std::regex> regex = Compiled(pattern);
    for (std::size_t begin = 0; regex && begin < log_end.size();) {
      const std::size_t end = std::min(log_end.find('\n', begin), log_end.size());
      const std::string_view line = log_end.substr(begin, std::min(end - begin, kFailureLineBytes));
      if (std::regex_search(line.data(), line.data() + line.size(), *regex)) {
        return {pattern, std::string(line)};
      }
      begin = end + 1;
    }
  }
  return {};
}

std::string LastLineSaid(std::string_view log_end) {
  constexpr std::string_view kBlank = " \t\r\n";
  constexpr std::size_t kMostBytes = 200;
  const std::size_t last = log_end.find_last_not_of(kBlank);
  if (last == std::string_view::npos) return {};
  log_end = log_end.substr(0, last + 1);
  const std::size_t before = log_end.find_last_of("\r\n");
  std::string_view line = before == std::string_view::npos ? log_end : log_end.substr(before + 1);
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  if (line.size() <= kMostBytes) return std::string(line);
  std::size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(line.substr(0, end));
}

bool MayBeExplained(const ExitRecord& record) {
  constexpr int kContinues = 75;
  if (record.cause == EndCause::kExited) {
    return record.exit_code != 0 && record.exit_code != kContinues;
  }
  return record.cause == EndCause::kSignaled;
}

}  // namespace ddl
