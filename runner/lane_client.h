// SPDX-License-Identifier: Apache-2.0
// ddl-agent lane FD COMMAND...: a trial's first process where a worker does its work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/launch.h"

namespace ddl {

// Below the job's folder: what the client learned of its lane, for the supervisor.
inline constexpr const char* kLaneFile = "/lane";

struct LaneNews {
  bool is_lost = false;     // its worker ended before it
  std::int64_t cpu_ms = 0;  // that the worker spent on it
  bool operator==(const LaneNews&) const = default;
};
[[nodiscard]] std::string ToText(const LaneNews& news);
[[nodiscard]] std::optional<LaneNews> ParseLaneNews(std::string_view text);

// What the file says goes into the record of the client's end.
void DescribeLane(std::string_view news, ExitRecord& record);

// Passes TERM on to the worker behind `connection` and ends as the lane ends: its exit code. A
// worker that is gone before it began the lane costs nothing: this process becomes `command`
// itself.
int RunLane(int connection, char** command);

}  // namespace ddl
