// SPDX-License-Identifier: Apache-2.0
#include "runner/host_folder.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "configs/json.h"
#include "runner/file.h"

namespace ddl {

namespace {

constexpr const char* kMemory = "/dev/shm";

std::string OurMemoryFolder() {
  return fmt::format("{}/ddl-{}", kMemory, ::geteuid());
}

std::string Problem(const std::string& doing, const std::string& path) {
  return fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno));
}

// Who holds it is about to let go, unless somebody stopped it: that one is not waited for.
void LockSoon(const FileDescriptor& file) {
  constexpr std::chrono::seconds kPatience{2};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (::flock(file.Get(), LOCK_EX | LOCK_NB) != 0 && std::chrono::steady_clock::now() < until) {
    ::usleep(500);
  }
}

std::string CheckOwner(const std::string& folder) {
  struct stat facts{};
  if (::lstat(folder.c_str(), &facts) != 0) return Problem("look at", folder);
  if (!S_ISDIR(facts.st_mode)) return fmt::format("{} is not a folder", folder);
  if (facts.st_uid != ::geteuid()) return fmt::format("{} belongs to another user", folder);
  if ((facts.st_mode & 0077U) != 0 && ::chmod(folder.c_str(), 0700) != 0) {
    return Problem("protect", folder);
  }
  return {};
}

// Written by the first agent; a later one on another machine leaves the folder alone.
// False as well where the text is none of ours.
bool Names(const std::string& text, const std::string& path, const std::string& machine_id) {
  try {
    return ParseJson(text, path).at("machine_id") == machine_id;
  } catch (const std::exception&) {
    return false;
  }
}

// Several may be the first at once, of one store (an agent whose coordinator was just killed) or of
// several: each writes a file of its own, and one of them gets the name. False: nobody's has it.
bool WriteFirst(const std::string& path, const std::string& text) {
  std::string own = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(own.data(), O_CLOEXEC));
  if (!file) return false;
  bool is_there = WriteAll(file.Get(), text) && ::fsync(file.Get()) == 0;
  if (is_there && ::link(own.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    // There are file systems without second names.
    is_there = (errno == EPERM || errno == EOPNOTSUPP) && ::rename(own.c_str(), path.c_str()) == 0;
  }
  const int kept = errno;
  ::unlink(own.c_str());
  errno = kept;
  return is_there && SyncFolder(FolderOf(path));
}

std::string CheckMachine(const std::string& folder, const std::string& machine_id) {
  if (machine_id.empty()) return "cannot read /etc/machine-id";
  const std::string path = folder + "/host.json";
  std::optional<std::string> text = ReadFile(path);
  if (!text && errno != ENOENT) return Problem("read", path);
  if (!text) {
    if (!WriteFirst(path, DumpJson({{"machine_id", machine_id}}))) return Problem("write", path);
    text = ReadFile(path);
    if (!text) return Problem("read", path);
  }
  if (Names(*text, path, machine_id)) return {};
  return fmt::format("{} belongs to another machine; set DDL_HOST_DIR to a folder on a local disk",
                     folder);
}

}  // namespace

std::string DefaultHostFolder() {
  const char* own = std::getenv("DDL_HOST_DIR");
  if (own != nullptr && *own != '\0') return own;
  return fmt::format("/var/tmp/ddl-{}", ::geteuid());
}

std::string ClaimHostFolder(const HostPaths& paths, const std::string& machine_id) {
  std::error_code problem_above;
  std::filesystem::create_directories(std::filesystem::path(paths.host_folder).parent_path(),
                                      problem_above);
  if (!EnsureFolder(paths.host_folder)) return Problem("make", paths.host_folder);
  if (std::string problem = CheckOwner(paths.host_folder); !problem.empty()) return problem;
  if (std::string problem = CheckMachine(paths.host_folder, machine_id); !problem.empty()) {
    return problem;
  }
  for (const std::string& folder : {paths.Store(), paths.Jobs(), paths.Store() + "/checkpoints"}) {
    if (!EnsureFolder(folder)) return Problem("make", folder);
  }
  if (::mkfifo(paths.Bell().c_str(), 0600) != 0 && errno != EEXIST) {
    return Problem("make", paths.Bell());
  }
  return {};
}

std::string WhyNotOurs(const HostPaths& paths, const std::string& machine_id) {
  if (IsMissing(paths.host_folder)) return {};
  if (IsMissing(paths.host_folder + "/host.json")) {
    return fmt::format("{} is no folder of ddl: it has no host.json", paths.host_folder);
  }
  return CheckMachine(paths.host_folder, machine_id);
}

std::string WhyNoPipesFolder() {
  const std::string ours = OurMemoryFolder();
  if (!IsMissing(ours)) return CheckOwner(ours);
  return ::access(kMemory, W_OK | X_OK) == 0 ? "" : Problem("write to", kMemory);
}

std::string ClaimPipesFolder(const HostPaths& paths) {
  struct stat facts{};
  if (::stat(paths.Store().c_str(), &facts) != 0) return {};
  const std::string ours = OurMemoryFolder();
  std::string folder = fmt::format("{}/{}-{}", ours, paths.store_id, facts.st_ino);
  const bool is_ours = EnsureFolder(ours) && CheckOwner(ours).empty() && EnsureFolder(folder);
  return is_ours ? folder : std::string();
}

void LeavePipesFolder(const HostPaths& paths) {
  if (paths.pipes_folder.empty()) return;
  ::rmdir(paths.pipes_folder.c_str());
  ::rmdir(std::filesystem::path(paths.pipes_folder).parent_path().c_str());
}

EpochRecord ReadEpoch(const HostPaths& paths) {
  EpochRecord record;
  const auto read = ReadFile(paths.Store() + "/epoch");
  record.is_unreadable = !read && errno != ENOENT && errno != ENOTDIR;
  const std::string text = read.value_or("");
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, record.epoch);
  if (number.ptr != end && *number.ptr == ' ') record.holder.assign(number.ptr + 1, end);
  while (!record.holder.empty() && record.holder.back() == '\n') {
    record.holder.pop_back();
  }
  return record;
}

std::uint64_t EpochMark(const HostPaths& paths) {
  struct stat facts{};
  if (::stat((paths.Store() + "/epoch").c_str(), &facts) != 0) return 0;
  // The file before the last one has given its inode back: the number alone may come again.
  const auto ns = static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'000U +
                  static_cast<std::uint64_t>(facts.st_mtim.tv_nsec);
  return (ns * 0x9e3779b97f4a7c15U) ^ facts.st_ino;
}

bool HolderMayLive(const std::string& holder, const std::string& hostname) {
  const std::string here = hostname + ":";
  if (!holder.starts_with(here)) return !holder.empty();
  return ::access((holder.substr(here.size()) + "/ddl.db").c_str(), F_OK) == 0;
}

bool RaiseEpoch(const HostPaths& paths, const EpochRecord& from, const EpochRecord& to) {
  const FileDescriptor lock = OpenFile(paths.Store() + "/epoch.lock", O_RDWR | O_CREAT);
  if (!lock) return false;
  LockSoon(lock);
  if (ReadEpoch(paths) != from) return false;
  // A later coordinator elsewhere must not be forgotten with this host's power.
  const std::string path = paths.Store() + "/epoch";
  const bool is_kept =
      WriteFileAtomically(path, fmt::format("{} {}\n", to.epoch, to.holder), Durability::kPower) &&
      SyncFolder(paths.host_folder) && SyncFolder(FolderOf(paths.host_folder));
  if (is_kept || from != to) return is_kept;
  // A full disk takes no file, but another time for the one there is: the mark changes.
  std::array<timespec, 2> now{};
  for (timespec& time : now) {
    ::clock_gettime(CLOCK_REALTIME, &time);
  }
  return ::utimensat(AT_FDCWD, path.c_str(), now.data(), 0) == 0;
}

}  // namespace ddl
