// SPDX-License-Identifier: Apache-2.0
// What hosts.yaml says of one host: how to reach it, what ddl may use of it, and what its trials
// need there. Plain values; configs/inventory.h reads the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/json.h"

namespace ddl {

// This machine's name and address in one.
inline constexpr const char* kLocalAddress = "local";

struct HostEntry {
  std::string name;     // as the file and the user call it
  std::string address;  // "local" or ssh://…: what scheduler and store know the host by
  std::vector<std::string> labels;
  // Below the spec's own, which wins.
  std::vector<std::pair<std::string, std::string>> env;
  // Lines for /bin/sh, before the trial takes the shell's place.
  std::vector<std::string> setup;
  // What ddl uses there at most; nothing: all there is.
  std::optional<int> cpus = std::nullopt;
  std::optional<std::vector<int>> gpus = std::nullopt;  // by their index in PCI bus order
  std::int64_t memory_mib = 0;                          // 0: all of it
  std::optional<int> parallel = std::nullopt;           // trials at once
  bool operator==(const HostEntry&) const = default;
};

[[nodiscard]] Json ToJson(const HostEntry& entry);
// Throws Json::exception or Error where it is not what ToJson writes.
[[nodiscard]] HostEntry HostEntryFromJson(const Json& json);

}  // namespace ddl
