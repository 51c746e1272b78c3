// SPDX-License-Identifier: Apache-2.0
// A store's folder on a host, for `ddl gc` on another machine:
//
//   ddl-agent folders STORE     what lies there: a line a folder, as FolderLine says
//   ddl-agent remove STORE      obeys a line each, "VERB FOLDER", and answers each by a line:
//     aside jobs/41.0           done | gone (there is none) | refused
//     back jobs/41.0            done | refused
//     remove jobs/41.0          done | refused
//
// Folders are jobs, checkpoints and snapshots of code. The first answer of `remove` is "ready", or
// "busy" where another ddl gc is at work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/job_folder.h"
#include "runner/removal.h"

namespace ddl {

struct StoreFolder {
  std::string name;  // "jobs/41.0", "checkpoints/trial-7", "code/HASH"
  FolderSize size;
  bool is_settled = false;  // of a job
  std::int64_t age_s = 0;   // since something was made or removed right in it
  bool operator==(const StoreFolder&) const = default;
};

// "FILES BYTES SETTLED AGE NAME", without its line feed.
[[nodiscard]] std::string FolderLine(const StoreFolder& folder);
[[nodiscard]] std::optional<StoreFolder> ParseFolderLine(std::string_view line);

// Exit codes; they end when nobody listens, or says anything, any more.
[[nodiscard]] int ListFolders(const HostPaths& paths, int out);
[[nodiscard]] int ObeyRemovals(const HostPaths& paths, int in, int out);

}  // namespace ddl
