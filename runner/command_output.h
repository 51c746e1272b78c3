// SPDX-License-Identifier: Apache-2.0
// Runs short commands of the host and reads what they print.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace ddl {

struct CommandOutput {
  int exit_code = -1;    // -1: could not be started, killed, or took too long
  bool is_late = false;  // it took too long
  std::string text;      // of stdout, at most the bytes asked for
};

// Found through PATH, never through a shell; stdin and stderr are /dev/null. After `patience` it is
// killed, and given up a second later. `folder`: where it runs; "": here.
[[nodiscard]] CommandOutput RunCommand(const std::vector<std::string>& argv,
                                       std::chrono::milliseconds patience, std::size_t max_bytes,
                                       const std::string& folder = {});
// The same of several at once; `patience` is for all of them together.
[[nodiscard]] std::vector<CommandOutput> RunCommands(
    const std::vector<std::vector<std::string>>& argvs, std::chrono::milliseconds patience,
    std::size_t max_bytes, const std::string& folder = {});

}  // namespace ddl
