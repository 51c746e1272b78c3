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

bool MayBeExplained(const ExitRecord& record) {
  constexpr int kContinues = 75;
  if (record.cause == EndCause::kExited) {
    return record.exit_code != 0 && record.exit_code != kContinues;
  }
  return record.cause == EndCause::kSignaled;
}

}  // namespace ddl
