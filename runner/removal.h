// SPDX-License-Identifier: Apache-2.0
// Taking away what lies in a store's folder on this host, so that a kill at any moment leaves it
// whole or known as removed. Below STORE/:
//
//   removing/KIND/…                           set aside: no path of a trial leads there
//   removed                                   a line a folder that was removed: "jobs/41.0"
//   removal.lock                              held by who removes
//
// Folders are named by their kind and name, as "jobs/41.0", "checkpoints/trial-7" or "code/HASH".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/job_folder.h"

namespace ddl {

struct FolderSize {
  std::int64_t files = 0;
  std::int64_t bytes = 0;  // that the disk gives for them
  FolderSize& operator+=(const FolderSize& other);
  bool operator==(const FolderSize&) const = default;
};
// Of a file, or a folder with all that is in it, following no links; zeros when it is not there.
[[nodiscard]] FolderSize SizeOf(const std::string& path);

// Held for as long as it lives; nothing when another process has it, or when there is no folder.
[[nodiscard]] std::optional<FileDescriptor> LockForRemoval(const HostPaths& paths);

// Holders of the lock only. Each false when the disk refuses.
//
// A folder is set aside; then whoever asked looks once more whether it may go; then it is removed,
// or put back. To put it back fails when its place was taken by something new meanwhile.
[[nodiscard]] bool SetAside(const HostPaths& paths, const std::string& folder);
[[nodiscard]] bool PutBack(const HostPaths& paths, const std::string& folder);
[[nodiscard]] bool RemoveAside(const HostPaths& paths, const std::string& folder);
// What a kill left aside: put back unless it was decided, removed else.
void FinishRemovals(const HostPaths& paths);

// What became of a folder below a store's folder, from its path.
enum class FolderFate : std::uint8_t { kThere, kRemoved, kGone };
[[nodiscard]] FolderFate FateOf(const std::string& path);

// A folder of another store below the host folder.
struct OtherStore {
  std::string folder;
  std::string holder;        // "HOST:FOLDER" of its last coordinator; "" when nothing says
  bool is_orphaned = false;  // its store was here, and is not any more
  FolderSize size;
};
[[nodiscard]] std::vector<OtherStore> OtherStores(const HostPaths& paths);

}  // namespace ddl
