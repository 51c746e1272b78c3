// SPDX-License-Identifier: Apache-2.0
// What came of a fault, counted; with DDL_FAULT_TABLE=FILE each suite adds its line to that file,
// and fault_table.py makes the table of docs/reliability.md of it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "configs/json.h"

namespace ddl {

// What a suite does not count is left out: nullopt.
struct FaultTally {
  long runs = 0;
  std::optional<long> lost;       // trials, acknowledged or written rows
  std::optional<long> doubled;    // rows, or starts of one attempt
  std::optional<long> restarted;  // trials, although they were alive
  std::optional<long> orphaned;   // processes that nobody watches any more
  std::optional<long> stuck;      // commands that did not come to an end
};

inline FaultTally CountAll() {
  return {.runs = 0, .lost = 0, .doubled = 0, .restarted = 0, .orphaned = 0, .stuck = 0};
}

inline void AddToFaultTable(const std::string& fault, const std::string& how,
                            const FaultTally& tally) {
  const char* path = std::getenv("DDL_FAULT_TABLE");
  if (path == nullptr || *path == '\0') return;
  Json line{{"fault", fault}, {"how", how}, {"runs", tally.runs}};
  const auto add = [&](const char* name, const std::optional<long>& count) {
    if (count) line[name] = *count;
  };
  add("lost", tally.lost);
  add("doubled", tally.doubled);
  add("restarted", tally.restarted);
  add("orphaned", tally.orphaned);
  add("stuck", tally.stuck);
  std::ofstream(path, std::ios::app) << DumpJson(line) + "\n";
}

}  // namespace ddl
