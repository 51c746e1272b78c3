// SPDX-License-Identifier: Apache-2.0
// Looks for known failures in the end of a failed trial's log. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/launch.h"

namespace ddl {

// So much of a log's end is looked at, and so much of a line.
inline constexpr std::size_t kFailureTailBytes = std::size_t{64} << 10;
inline constexpr std::size_t kFailureLineBytes = 1000;

struct FailureMatch {
  std::string pattern;  // the first of them that a line has; "": none
  std::string line;
};
[[nodiscard]] FailureMatch FindFailure(const std::vector<std::string>& patterns,
                                       std::string_view log_end);

// The last line that is not blank, at most 200 bytes of it and no part of a UTF-8 character: mostly
// what a program said of its failure.
[[nodiscard]] std::string LastLineSaid(std::string_view log_end);

// An end that may have its cause in the log: of its own making, and not good.
[[nodiscard]] bool MayBeExplained(const ExitRecord& record);

}  // namespace ddl
