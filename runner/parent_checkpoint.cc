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

// The copies below return 0, or what the kernel refused. The trial may write over all of them, also
// where what was brought may not be written.
int CopyFile(const std::string& from, const std::string& to, unsigned mode) {
  const FileDescriptor source = OpenFile(from, O_RDONLY | O_NOFOLLOW);
  const FileDescriptor copy = OpenFile(to, O_WRONLY | O_CREAT | O_EXCL, (mode | 0600U) & 0777U);
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

// What it left here before is older than what was brought. A start that is killed between the two
// renames has begun nothing: the next one is given the same again.
int GiveWay(const std::string& own, const std::string& aside) {
  return std::rename(own.c_str(), (aside + "-before").c_str()) == 0 ? 0 : errno;
}

std::int64_t WriterOf(const LaunchRecord& launch) {
  return launch.parent_checkpoint.empty() ? launch.trial_number : launch.parent_number;
}

// What was brought may have been taken away again, and can be brought once more.
InheritedCheckpoint NothingThere(const LaunchRecord& launch, const std::string& from) {
  if (!launch.brought_checkpoint.empty()) {
    return {fmt::format("the checkpoint of trial {} that was brought here is gone: {}",
                        WriterOf(launch), from),
            true};
  }
  return {fmt::format("nothing to go on from: trial {} left no checkpoint {}", launch.parent_number,
                      IsMissing(from) ? "on this host" : "in its DDL_CHECKPOINT_DIR")};
}

}  // namespace

InheritedCheckpoint InheritCheckpoint(const LaunchRecord& launch, const HostPaths& paths) {
  const bool is_brought = !launch.brought_checkpoint.empty();
  if (launch.parent_checkpoint.empty() && !is_brought) return {};
  const std::string own = paths.Checkpoints(launch.checkpoint_name);
  const bool has_own = !ListFolder(own).empty();
  if (has_own && !launch.parent_checkpoint.empty()) return {};
  const std::string from =
      is_brought ? launch.brought_checkpoint : paths.Checkpoints(launch.parent_checkpoint);
  if (ListFolder(from).empty()) return NothingThere(launch, from);
  const std::string prefix = launch.checkpoint_name + ".aside-";
  RemoveEarlierCopies(FolderOf(own), prefix);
  const std::string aside = FolderOf(own) + "/" + prefix + std::to_string(launch.id.job.value);
  int problem = CopyTree(from, aside);
  // rename(2) replaces an empty folder.
  if (problem == 0 && has_own) problem = GiveWay(own, aside);
  if (problem == 0 && std::rename(aside.c_str(), own.c_str()) != 0) problem = errno;
  if (problem == 0 && !SyncFolder(FolderOf(own))) problem = errno;
  if (problem == 0) {
    if (has_own) RemoveEarlierCopies(FolderOf(own), prefix);
    return {};
  }
  (void)RemoveTree(aside);
  return {fmt::format("cannot copy the checkpoint of trial {}: {}", WriterOf(launch),
                      std::strerror(problem)),
          true};
}

}  // namespace ddl
