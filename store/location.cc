// SPDX-License-Identifier: Apache-2.0
#include "store/location.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

std::string OwnCommand() {
  std::ifstream stream("/proc/self/cmdline");
  std::string program;
  std::string verb;
  std::getline(stream, program, '\0');
  std::getline(stream, verb, '\0');
  return fs::path(program).filename().string() + (verb.empty() ? "" : " " + verb);
}

void NoteHolder(int fd) {
  const std::string text = fmt::format("pid {}, {} since {:%Y-%m-%d %H:%M}\n", ::getpid(),
                                       OwnCommand(), fmt::localtime(std::time(nullptr)));
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, text.data(), text.size(), 0);
}

// Of a folder that the user named, with errno.
Error CannotUse(const char* doing, const std::string& path) {
  return Error(fmt::format("{}: {}", doing, std::strerror(errno)), path,
               "name a folder that you can write to by --store or DDL_HOME");
}

// The first line, or "".
std::string FirstLine(const std::string& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

void WriteLine(const std::string& path, const std::string& line) {
  std::ofstream stream(path);
  stream << line << '\n' << std::flush;
  if (!stream) {
    throw CannotUse("cannot write down where the store is", path);
  }
}

std::string HostName() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// FNV-1a: tells the named folders of a host apart, no more.
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return hash;
}

std::string LocalFolderFor(const std::string& named) {
  const char* own = std::getenv("DDL_LOCAL_STORES");
  const std::string above = own != nullptr && *own != '\0'
                                ? std::string(own)
                                : fmt::format("/var/tmp/ddl-{}/stores", ::geteuid());
  return fmt::format("{}/{:016x}", above, HashOf(named));
}

// What `store` in a named folder says.
std::string FollowPointer(const std::string& named, const std::string& text) {
  const Json pointer = ParseJson(text, named + "/store");
  const auto field = [&](const char* name) {
    const auto found = pointer.is_object() ? pointer.find(name) : pointer.end();
    if (found == pointer.end() || !found->is_string()) {
      throw Error(fmt::format("no \"{}\" in it", name), named + "/store",
                  "write where the database is: host, machine_id and path");
    }
    return found->get<std::string>();
  };
  const std::string path = field("path");
  const std::string machine_id = field("machine_id");
  const bool same_machine =
      machine_id.empty() ? field("host") == HostName() : machine_id == FirstLine("/etc/machine-id");
  if (same_machine) return path;
  throw Error(fmt::format("the database of this store is on host {}, in {}", field("host"), path),
              named, "run ddl there, or name another store by --store or DDL_HOME");
}

// Without the slash that a completed word ends in: it would hide the folder's own name.
std::string Tidied(const std::string& named) {
  const fs::path folder = fs::absolute(named).lexically_normal();
  return folder.has_filename() ? folder : folder.parent_path();
}

std::string NamedFolder(const std::string& explicit_folder) {
  if (!explicit_folder.empty()) return Tidied(explicit_folder);
  const char* home = std::getenv("DDL_HOME");
  if (home != nullptr && *home != '\0') return Tidied(home);
  const fs::path here = fs::current_path();
  for (fs::path folder = here;; folder = folder.parent_path()) {
    if (fs::is_directory(folder / ".ddl")) return folder / ".ddl";
    if (folder == folder.root_path()) return here / ".ddl";
  }
}

}  // namespace

std::string FindStoreFolder(const std::string& explicit_folder, IsOnNetworkProbe is_on_network) {
  const std::string named = NamedFolder(explicit_folder);
  if (const std::string pointer = FirstLine(named + "/store"); !pointer.empty()) {
    return FollowPointer(named, pointer);
  }
  // A database that is there already stays.
  const bool stays = fs::exists(fs::path(named) / "ddl.db") || !is_on_network(named);
  return stays ? named : LocalFolderFor(named);
}

ClaimedStore ClaimStoreFolder(const std::string& explicit_folder, IsOnNetworkProbe is_on_network) {
  const std::string named = NamedFolder(explicit_folder);
  std::string folder = FindStoreFolder(explicit_folder, is_on_network);
  if (folder == named || fs::exists(fs::path(named) / "store")) return {std::move(folder), {}};
  std::error_code problem;
  fs::create_directories(named, problem);
  fs::create_directories(folder, problem);
  fs::permissions(fs::path(folder).parent_path(), fs::perms::owner_all, problem);
  fs::permissions(folder, fs::perms::owner_all, problem);
  WriteLine(folder + "/origin", named);
  WriteLine(named + "/store", DumpJson({{"host", HostName()},
                                        {"machine_id", FirstLine("/etc/machine-id")},
                                        {"path", folder}}));
  return {folder, fmt::format("{} is on a network file system: the database is in {} on this host, "
                              "its backups in {}/backup",
                              named, folder, named)};
}

std::string BackupFolder(const std::string& folder) {
  const std::string origin = FirstLine(folder + "/origin");
  return (origin.empty() ? folder : origin) + "/backup";
}

std::optional<StoreLock> StoreLock::TryTake(const std::string& folder) {
  std::error_code problem;
  fs::create_directories(fs::path(folder).parent_path(), problem);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw CannotUse("cannot make the store's folder", folder);
  }
  const std::string path = folder + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    throw CannotUse("cannot lock the store", path);
  }
  StoreLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  NoteHolder(fd);
  return lock;
}

std::string StoreLock::Holder(const std::string& folder) {
  std::string line = FirstLine(folder + "/lock");
  return line.empty() ? "another process" : line;
}

StoreLock::StoreLock(StoreLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StoreLock& StoreLock::operator=(StoreLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace ddl
