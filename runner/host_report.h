// SPDX-License-Identifier: Apache-2.0
// What a host tells somebody who only looks: `ddl-agent facts`. Looking takes no part in epochs,
// claims no folder and fences nobody, so a coordinator that works there is not disturbed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/json.h"
#include "runner/library_question.h"
#include "runner/messages.h"

namespace ddl {

struct HostReport {
  HostFacts facts;     // without folder and epoch, which belong to a store
  std::string driver;  // of its GPUs; "" where there are none
  std::string kernel;  // "Linux 6.1.0 x86_64"
  std::string host_folder;
  std::string folder_problem;        // why it cannot be used, or ""
  bool folder_is_executable = true;  // false: mounted noexec
  bool folder_is_on_network = false;
  std::string pipes_problem;            // why it has no folder in memory for us, or ""
  std::int64_t free_bytes = 0;          // where the host folder is, or will be
  std::int64_t ranks = 0;               // of ddl, of this user, that live
  std::int64_t clock_us = 0;            // its clock less ours; 0 for this machine
  std::vector<FoundLibrary> libraries;  // that were asked for
};

// Of this machine. Takes as long as nvidia-smi does, ten seconds at most a question.
[[nodiscard]] HostReport ReadHostReport(const std::string& host_folder);

// One line of JSON, and back; throws Error for anything else. Clock and libraries are not in it.
[[nodiscard]] std::string ToJsonText(const HostReport& report);
[[nodiscard]] HostReport HostReportFromJson(std::string_view text);

// The role of the agent: a report, then for every empty line that comes in, the time in
// microseconds since 1970 as a line, and for a LibraryQuestion what it finds, until the input ends.
// Returns the exit code.
[[nodiscard]] int TellFacts(const std::string& host_folder);

}  // namespace ddl
