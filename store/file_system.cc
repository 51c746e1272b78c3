// SPDX-License-Identifier: Apache-2.0
#include "store/file_system.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <sys/vfs.h>

namespace ddl {

namespace {

struct FileSystem {
  std::uint64_t type;
  const char* name;
  bool is_network;
};

// Of linux/magic.h, and of systems that are not in it.
constexpr std::array kFileSystems{
    FileSystem{0xEF53, "ext4", false},        FileSystem{0x58465342, "xfs", false},
    FileSystem{0x9123683E, "btrfs", false},   FileSystem{0x01021994, "tmpfs", false},
    FileSystem{0x794C7630, "overlay", false}, FileSystem{0x2FC12FC1, "zfs", false},
    FileSystem{0xF2F52010, "f2fs", false},    FileSystem{0x6969, "nfs", true},
    FileSystem{0xFF534D42, "cifs", true},     FileSystem{0xFE534D42, "smb2", true},
    FileSystem{0x517B, "smb", true},          FileSystem{0x00C36400, "ceph", true},
    FileSystem{0x0BD00BD0, "lustre", true},   FileSystem{0x47504653, "gpfs", true},
    FileSystem{0x19830326, "beegfs", true},   FileSystem{0x65735546, "fuse", true},
    FileSystem{0x01021997, "9p", true},       FileSystem{0x5346414F, "afs", true},
    FileSystem{0x6B414653, "kafs", true},     FileSystem{0x73757245, "coda", true},
    FileSystem{0x7461636F, "ocfs2", true},    FileSystem{0x01161970, "gfs2", true},
    FileSystem{0x20030528, "orangefs", true},
};

const FileSystem* KnownFileSystem(std::uint64_t type) {
  const auto found = std::ranges::find(kFileSystems, type, &FileSystem::type);
  return found == kFileSystems.end() ? nullptr : found;
}

}  // namespace

std::string FileSystemName(std::uint64_t type) {
  const FileSystem* known = KnownFileSystem(type);
  return known == nullptr ? fmt::format("file system {:#x}", type) : known->name;
}

bool IsNetworkFileSystem(std::uint64_t type) {
  const FileSystem* known = KnownFileSystem(type);
  return known != nullptr && known->is_network;
}

bool IsOnNetwork(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code problem;
  fs::path at = folder;
  while (!fs::exists(at, problem) && at.has_relative_path()) {
    at = at.parent_path();
  }
  struct statfs facts{};
  constexpr std::uint64_t kTypeBits = 0xFFFFFFFF;  // some numbers arrive with their sign extended
  return ::statfs(at.c_str(), &facts) == 0 &&
         IsNetworkFileSystem(static_cast<std::uint64_t>(facts.f_type) & kTypeBits);
}

}  // namespace ddl
