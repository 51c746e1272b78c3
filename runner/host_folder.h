// SPDX-License-Identifier: Apache-2.0
// The folder of a host in which everything of ddl lies there: 0700, ours, and of this very machine.
#pragma once

#include <cstdint>
#include <string>

#include "runner/job_folder.h"

namespace ddl {

// $DDL_HOST_DIR, else a folder per user under /var/tmp.
[[nodiscard]] std::string DefaultHostFolder();

// Makes the host folder, the store's folder in it and the bell where they are missing. "" or why it
// cannot be used: somebody else's, another machine's (a shared home), not writable.
[[nodiscard]] std::string ClaimHostFolder(const HostPaths& paths, const std::string& machine_id);

// Why the host folder must be left alone, for who only looks: another machine's, or unreadable. ""
// when it is ours, or not there.
[[nodiscard]] std::string WhyNotOurs(const HostPaths& paths, const std::string& machine_id);

// A folder in memory for the FIFOs of the ranks of this very store's folder, made where it is
// missing; "" where the host has none, or somebody else has taken the name.
[[nodiscard]] std::string ClaimPipesFolder(const HostPaths& paths);
// "" or why this host can have none for this user, for who only looks: without it trials run in
// processes of their own.
[[nodiscard]] std::string WhyNoPipesFolder();
// Removes it where nothing is in it.
void LeavePipesFolder(const HostPaths& paths);

// The highest epoch that this store's folder has seen, and the Hello::holder who brought it.
struct EpochRecord {
  std::uint64_t epoch = 0;  // 0: none
  std::string holder;
  bool is_unreadable = false;  // there may be one
  bool operator==(const EpochRecord&) const = default;
};
[[nodiscard]] EpochRecord ReadEpoch(const HostPaths& paths);
// Writes `to` where `from` is; false when it cannot be written, or something else is there by now.
// Two agents may be at it at once: one of a coordinator that was killed a moment ago, and ours.
[[nodiscard]] bool RaiseEpoch(const HostPaths& paths, const EpochRecord& from,
                              const EpochRecord& to);
// Changes whenever the epoch is raised, by whomever; costs one call. 0: cannot be told.
[[nodiscard]] std::uint64_t EpochMark(const HostPaths& paths);
// A database that was there is there still: on this host by a look, elsewhere nobody can tell.
[[nodiscard]] bool HolderMayLive(const std::string& holder, const std::string& hostname);

}  // namespace ddl
