// SPDX-License-Identifier: Apache-2.0
// Snapshots that nothing needs any more, of workdirs and of checkpoints that travelled, in the
// store's folder and on hosts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/gc_place.h"
#include "runner/removal.h"
#include "store/reader.h"

namespace ddl {

struct UnusedCode {
  std::vector<std::string> snapshots;  // folders below STORE/code; on a host "code/HASH"
  FolderSize size;                     // files that others share count too
  // What the courier of checkpoints has in STORE/checkpoints: scheduler/checkpoint_courier.h.
  std::vector<std::string> fetched{};

  [[nodiscard]] std::int64_t Count() const { return std::ssize(snapshots) + std::ssize(fetched); }
};

// No sweep that runs, or that changed within `keep_days`, has them, and nobody took them in the
// last hour: that one may be on its way to a coordinator.
[[nodiscard]] UnusedCode FindUnusedCode(const StoreReader& reader, const std::string& store_folder,
                                        std::int64_t keep_days, std::int64_t now_ms);

// How many were removed. One that was taken again meanwhile stays.
[[nodiscard]] std::int64_t RemoveUnusedCode(const UnusedCode& unused,
                                            const std::string& store_folder, std::int64_t now_ms);

// The same on a host, whose steps are to name folders as runner/store_folders.h does.
[[nodiscard]] UnusedCode FindUnusedCodeThere(const StoreReader& reader, const PlaceThere& place,
                                             std::int64_t keep_days, std::int64_t now_ms);
[[nodiscard]] std::int64_t RemoveUnusedCodeThere(const UnusedCode& unused, PlaceThere& place,
                                                 const std::string& store_folder,
                                                 std::int64_t keep_days, std::int64_t now_ms);

}  // namespace ddl
