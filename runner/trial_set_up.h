// SPDX-License-Identifier: Apache-2.0
// The set-up lines of a host (hosts.yaml): the one place where a shell runs. /bin/sh runs them one
// after the other in one shell and then becomes the trial, whose arguments it passes on as they
// are. A line that fails is the host's fault, not the trial's. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/launch.h"

namespace ddl {

// Below the job's folder: the number of the line that runs, 0 once all have run.
inline constexpr const char* kSetUpFile = "/setup";

// `argv` behind the lines; `progress_file` must not hold a line break.
[[nodiscard]] std::vector<std::string> BehindSetUp(const std::vector<std::string>& lines,
                                                   const std::string& progress_file,
                                                   std::vector<std::string> argv);

// `progress` is what the file holds at the trial's end. Where the trial never came to its own
// program by itself, the record says which line it was.
void JudgeSetUp(const std::vector<std::string>& lines, std::string_view progress,
                ExitRecord& record);

}  // namespace ddl
