// SPDX-License-Identifier: Apache-2.0
#include "runner/parent_checkpoint.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

namespace {

constexpr std::size_t kCopyPiece = std::size_t{1} << 20;
constexpr std::size_t kLongestLink = 4096;

// The copies below return 0, or what the kernel refused.
int CopyFile(const std::string& from, const std::string& to, unsigned mode) {
  const FileDescriptor source = OpenFile(from, O_RDONLY | O_NOFOLLOW);
  const FileDescriptor copy = OpenFile(to, O_WRONLY | O_CREAT | O_EXCL, mode & 0777U);
  if (!source || !copy) return errno;
  std::vector<char> piece(kCopyPiece);
  for (std::int64_t offset = 0;;) {
    const std::int64_t got = ReadAllAt(source.Get(), piece, offset);
    if (got < 0) return errno;
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
    if (!WriteAll(copy.Get(), bytes)) return errno;
    offset += got;
  }
  return ::fsync(copy.Get()) == 0 ? 0 : errno;
}

int CopyLink(const std::string& from, const std::string& to) {
  std::array<char, kLongestLink> target{};
  const ssize_t size = ::readlink(from.c_str(), target.data(), target.size() - 1);
  if (size < 0) return errno;
  return ::symlink(target.data(), to.c_str()) == 0 ? 0 : errno;
}

// Of pipes and sockets there is no copy.
int CopyTree(const std::string& from, const std::string& to) {
  struct stat facts{};
  if (::lstat(from.c_str(), &facts) != 0) return errno;
  if (S_ISREG(facts.st_mode)) return CopyFile(from, to, facts.st_mode);
  if (S_ISLNK(facts.st_mode)) return CopyLink(from, to);
  if (!S_ISDIR(facts.st_mode)) return 0;
  if (!EnsureFolder(to)) return errno;
  for (const std::string& name : ListFolder(from)) {
    if (const int problem = CopyTree(from + "/" + name, to + "/" + name)) return problem;
  }
  return SyncFolder(to) ? 0 : errno;
}

// Of earlier starts of the trial that were killed. One that is not dead yet fails by this: what it
// would start is void.
void RemoveEarlierCopies(const std::string& folder, const std::string& prefix) {
  for (const std::string& name : ListFolder(folder)) {
    if (name.starts_with(prefix)) (void)RemoveTree(folder + "/" + name);
  }
}

}  // namespace

InheritedCheckpoint InheritCheckpoint(const LaunchRecord& launch, const HostPaths& paths) {
  if (launch.parent_checkpoint.empty()) return {};
  const std::string own = paths.Checkpoints(launch.checkpoint_name);
  if (!ListFolder(own).empty()) return {};
  const std::string parent = paths.Checkpoints(launch.parent_checkpoint);
  if (ListFolder(parent).empty()) {
    return {fmt::format("nothing to go on from: trial {} left no checkpoint {}",
                        launch.parent_number,
                        IsMissing(parent) ? "on this host" : "in its DDL_CHECKPOINT_DIR")};
  }
  const std::string prefix = launch.checkpoint_name + ".aside-";
  RemoveEarlierCopies(FolderOf(own), prefix);
  const std::string aside = FolderOf(own) + "/" + prefix + std::to_string(launch.id.job.value);
  int problem = CopyTree(parent, aside);
  // rename(2) replaces an empty folder.
  if (problem == 0 && std::rename(aside.c_str(), own.c_str()) != 0) problem = errno;
  if (problem == 0 && !SyncFolder(FolderOf(own))) problem = errno;
  if (problem == 0) return {};
  (void)RemoveTree(aside);
  return {fmt::format("cannot copy the checkpoint of trial {}: {}", launch.parent_number,
                      std::strerror(problem)),
          true};
}

}  // namespace ddl
