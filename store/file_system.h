// SPDX-License-Identifier: Apache-2.0
// What kind of file system a folder lies on.
#pragma once

#include <cstdint>
#include <string>

namespace ddl {

// Whether the folder, or the nearest one above it that exists, lies on a file system that other
// machines may share (NFS, SMB, Lustre, …, and all of FUSE, where nobody can tell). SQLite's log
// needs memory shared by all who read the database, so such a folder cannot hold one.
[[nodiscard]] bool IsOnNetwork(const std::string& folder);

// By the number that statfs(2) gives, in 32 bits.
[[nodiscard]] bool IsNetworkFileSystem(std::uint64_t type);
[[nodiscard]] std::string FileSystemName(std::uint64_t type);

}  // namespace ddl
