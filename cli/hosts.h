// SPDX-License-Identifier: Apache-2.0
// What `ddl hosts` shows of each host, and what `ddl hosts check` finds there: pure functions of
// what hosts.yaml says, what the host answered and what a coordinator knows of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/doctor.h"
#include "cli/terminal.h"
#include "configs/host_entry.h"
#include "configs/json.h"
#include "configs/library_need.h"
#include "runner/host_probe.h"

namespace ddl {

// A library of CUDA that trials of the built-in trainer on GPUs need.
struct NeededLibrary {
  LibraryNeed need;
  std::int64_t bytes = 0;  // of this machine's, which would be sent; 0: it has none
};

struct HostLine {
  HostEntry entry;  // with name and address alone where no hosts.yaml has it
  ProbeAnswer answer;
  bool is_drained = false;
  bool is_set_aside = false;
  std::string why;                      // it takes no trials, as the coordinator puts it
  std::vector<NeededLibrary> needed{};  // where it was asked for them
};

[[nodiscard]] std::vector<std::string> HostsLines(std::span<const HostLine> hosts,
                                                  const Terminal& terminal);
[[nodiscard]] Json HostsJson(std::span<const HostLine> hosts);

// What is fine, what is not, and how to mend it.
[[nodiscard]] std::vector<Check> ChecksOf(const HostLine& host);
// The part of it about libraries of CUDA.
[[nodiscard]] std::vector<Check> LibraryChecks(const HostLine& host, const HostReport& report);

}  // namespace ddl
