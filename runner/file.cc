// SPDX-License-Identifier: Apache-2.0
#include "runner/file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::size_t kReadStep = 4096;  // most records of ddl fit, so one read is the rule

// What a kill left there goes first, and so does a link: it is not written through.
bool WriteAside(const std::string& aside, std::string_view text, Durability durability) {
  ::unlink(aside.c_str());
  const FileDescriptor file = OpenFile(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  return file && WriteAll(file.Get(), text) &&
         (durability == Durability::kKill || ::fsync(file.Get()) == 0);
}

bool IsFolder(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return false;
  if (S_ISDIR(status.st_mode)) return true;
  errno = ENOTDIR;
  return false;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

void FileDescriptor::Reset(int descriptor) {
  const int kept = errno;
  if (descriptor_ >= 0) ::close(descriptor_);
  errno = kept;
  descriptor_ = descriptor;
}

FileDescriptor OpenFile(const std::string& path, int flags, unsigned mode) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return FileDescriptor(descriptor);
}

// The room grows with what was read, not with the number of reads: /proc gives a page at a time.
std::optional<std::string> ReadFile(const std::string& path, std::size_t limit) {
  const FileDescriptor file = OpenFile(path, O_RDONLY);
  if (!file) return std::nullopt;
  std::string text(kReadStep, '\0');
  std::size_t size = 0;
  while (true) {
    if (size == text.size()) text.resize(2 * size);
    const ssize_t got = ::read(file.Get(), text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) return std::nullopt;
    if (got > 0) size += static_cast<std::size_t>(got);
    if (size > limit) {
      errno = EFBIG;
      return std::nullopt;
    }
    if (got == 0) {
      text.resize(size);
      return text;
    }
  }
}

bool WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool WriteAllAt(int file, std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno != EINTR) return false;
    if (written <= 0) continue;
    offset += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::int64_t ReadAllAt(int file, std::span<char> bytes, std::int64_t offset) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(file, bytes.data() + done, bytes.size() - done,
                                offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<std::int64_t>(done);
}

bool WriteFileAtomically(const std::string& path, std::string_view text, Durability durability) {
  const std::string aside = path + ".aside";
  if (!WriteAside(aside, text, durability) || ::rename(aside.c_str(), path.c_str()) != 0) {
    const int kept = errno;
    ::unlink(aside.c_str());
    errno = kept;
    return false;
  }
  return durability == Durability::kKill || SyncFolder(FolderOf(path));
}

bool LeaveStandardStreams() {
  FileDescriptor nothing = OpenFile("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!nothing || ::dup2(nothing.Get(), standard) < 0) return false;
  }
  if (nothing.Get() <= STDERR_FILENO) (void)nothing.Release();  // one of them was closed before
  return true;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool SyncFolder(const std::string& folder) {
  const FileDescriptor open = OpenFile(folder, O_RDONLY | O_DIRECTORY);
  return open && ::fsync(open.Get()) == 0;
}

bool EnsureFolder(const std::string& path, unsigned mode) {
  return ::mkdir(path.c_str(), mode) == 0 || (errno == EEXIST && IsFolder(path));
}

bool IsMissing(const std::string& path) {
  return ::access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

std::vector<std::string> ListFolder(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

bool RemoveTree(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return true;
  // The kernel says EISDIR, POSIX EPERM, for a folder.
  if (errno != EISDIR && errno != EPERM) return false;
  for (const std::string& name : ListFolder(path)) {
    std::string inner = path;
    inner.append("/").append(name);
    RemoveTree(inner);
  }
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace ddl
