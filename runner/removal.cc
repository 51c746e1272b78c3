// SPDX-License-Identifier: Apache-2.0
#include "runner/removal.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/host_facts.h"
#include "runner/host_folder.h"

namespace ddl {

namespace {

constexpr std::int64_t kDiskBlock = 512;  // the unit of st_blocks, whatever the file system's is
constexpr std::size_t kMostRemoved = std::size_t{1} << 30;
constexpr std::string_view kDecided = ".decided";  // set aside, and not to come back

std::string AsidePath(const HostPaths& paths, const std::string& folder) {
  return paths.Store() + "/removing/" + folder;
}

bool IsListedAsRemoved(const std::string& store_folder, const std::string& folder) {
  const auto text = ReadFile(store_folder + "/removed", kMostRemoved);
  if (!text) return false;
  const std::string lines = "\n" + *text;
  return lines.find("\n" + folder + "\n") != std::string::npos;
}

// A folder that came again and was removed again has two lines.
bool ListAsRemoved(const HostPaths& paths, const std::string& folder) {
  const FileDescriptor list = OpenFile(paths.Store() + "/removed", O_WRONLY | O_CREAT | O_APPEND);
  return list && WriteAll(list.Get(), folder + "\n");
}

}  // namespace

FolderSize& FolderSize::operator+=(const FolderSize& other) {
  files += other.files;
  bytes += other.bytes;
  return *this;
}

FolderSize SizeOf(const std::string& path) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return {};
  const std::int64_t bytes = static_cast<std::int64_t>(facts.st_blocks) * kDiskBlock;
  if (!S_ISDIR(facts.st_mode)) return {1, bytes};
  FolderSize size{0, bytes};
  for (const std::string& name : ListFolder(path)) {
    std::string below = path;
    below.append("/").append(name);
    size += SizeOf(below);
  }
  return size;
}

std::optional<FileDescriptor> LockForRemoval(const HostPaths& paths) {
  FileDescriptor file = OpenFile(paths.Store() + "/removal.lock", O_RDWR | O_CREAT);
  if (!file || ::flock(file.Get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return file;
}

bool SetAside(const HostPaths& paths, const std::string& folder) {
  const std::string aside = AsidePath(paths, folder);
  return EnsureFolder(paths.Store() + "/removing") && EnsureFolder(FolderOf(aside)) &&
         ::rename((paths.Store() + "/" + folder).c_str(), aside.c_str()) == 0;
}

// rename(2) replaces an empty folder: a supervisor that just made one loses nothing.
bool PutBack(const HostPaths& paths, const std::string& folder) {
  return ::rename(AsidePath(paths, folder).c_str(), (paths.Store() + "/" + folder).c_str()) == 0;
}

bool RemoveAside(const HostPaths& paths, const std::string& folder) {
  const std::string aside = AsidePath(paths, folder);
  const std::string decided = aside + std::string(kDecided);
  return ListAsRemoved(paths, folder) && ::rename(aside.c_str(), decided.c_str()) == 0 &&
         RemoveTree(decided);
}

void FinishRemovals(const HostPaths& paths) {
  for (const char* kind : {"jobs", "checkpoints", "code"}) {
    for (const std::string& name : ListFolder(AsidePath(paths, kind))) {
      const std::string folder = std::string(kind) + "/" + name;
      if (name.ends_with(kDecided)) {
        (void)RemoveTree(AsidePath(paths, folder));
      } else if (!PutBack(paths, folder)) {
        (void)RemoveAside(paths, folder);
      }
    }
  }
}

FolderFate FateOf(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) return FolderFate::kThere;
  const std::string above = FolderOf(path);
  const std::string store = FolderOf(above);
  return IsListedAsRemoved(store, path.substr(store.size() + 1)) ? FolderFate::kRemoved
                                                                 : FolderFate::kGone;
}

std::vector<OtherStore> OtherStores(const HostPaths& paths) {
  const std::string hostname = ReadHostFacts().hostname;
  std::vector<OtherStore> others;
  for (const std::string& name : ListFolder(paths.host_folder)) {
    const HostPaths other{paths.host_folder, name, {}};
    if (name == paths.store_id || ::access(other.Jobs().c_str(), F_OK) != 0) continue;
    std::string holder = ReadEpoch(other).holder;
    const bool orphaned = !holder.empty() && !HolderMayLive(holder, hostname);
    others.push_back({other.Store(), std::move(holder), orphaned, SizeOf(other.Store())});
  }
  std::ranges::sort(others, {}, &OtherStore::folder);
  return others;
}

}  // namespace ddl
