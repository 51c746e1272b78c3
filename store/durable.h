// SPDX-License-Identifier: Apache-2.0
// Making names and contents safe from a power failure. A file's sync does not keep its name: that
// is its folder's.
#pragma once

#include <string>

namespace ddl {

// fsync(2) of a file or a folder. Throws Error when the disk refuses.
void SyncPath(const std::string& path);

// Syncs the folders above `path`, as far as they may be opened, so that `path` itself stays.
void SyncNamesAbove(const std::string& path);

// Renames `aside`, whose contents are synced first, to `path`, and syncs the folder. Throws Error.
void KeepAs(const std::string& aside, const std::string& path);

}  // namespace ddl
