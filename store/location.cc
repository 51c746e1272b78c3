// SPDX-License-Identifier: Apache-2.0
#include "store/location.h"

#include <array>
#include <cerrno>
#include <cstdlib>
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

}  // namespace

std::string FindStoreFolder(const std::string& explicit_folder) {
  if (!explicit_folder.empty()) return fs::absolute(explicit_folder).lexically_normal();
  const char* home = std::getenv("DDL_HOME");
  if (home != nullptr && *home != '\0') return fs::absolute(home).lexically_normal();
  const fs::path here = fs::current_path();
  for (fs::path folder = here;; folder = folder.parent_path()) {
    if (fs::is_directory(folder / ".ddl")) return folder / ".ddl";
    if (folder == folder.root_path()) return here / ".ddl";
  }
}

std::optional<StoreLock> StoreLock::TryTake(const std::string& folder) {
  std::error_code problem;
  fs::create_directories(fs::path(folder).parent_path(), problem);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw SystemError("cannot make the store's folder", folder,
                      "name a folder that you can write to by --store or DDL_HOME");
  }
  const std::string path = folder + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    throw SystemError("cannot lock the store", path,
                      "name a folder that you can write to by --store or DDL_HOME");
  }
  StoreLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  NoteHolder(fd);
  return lock;
}

std::string StoreLock::Holder(const std::string& folder) {
  std::ifstream stream(folder + "/lock");
  std::string line;
  std::getline(stream, line);
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
