// SPDX-License-Identifier: Apache-2.0
// Records what this process asks of the disk below one folder. The executable's own definitions of
// the system's calls come before those of the C library, for SQLite and the product alike: what is
// recorded is what they really do, SQLite's syncs of folders included. Include it in one file of an
// executable. Syncs are recorded and otherwise left out: the test needs no real power failure.
#pragma once

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/power/disk_log.h"

namespace ddl::power {

class Recorder {
 public:
  // `syncs` false: the same calls on a machine whose syncs do nothing.
  void Begin(const std::string& root, bool syncs) {
    root_ = root;
    syncs_ = syncs;
    requests_.clear();
    files_.clear();
    descriptors_.clear();
    last_file_ = 0;
    is_on_ = true;
  }
  std::vector<Request> End() {
    is_on_ = false;
    return std::move(requests_);
  }
  void Promise(std::int64_t count) { Add({.kind = Kind::kPromise, .offset = count}); }

  void Opened(int descriptor, const char* path, int flags, bool was_there) {
    if (!is_on_ || descriptor < 0) return;
    descriptors_.erase(descriptor);
    if (!IsOurs(path)) return;
    struct stat facts{};
    if (::fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) {
      descriptors_[descriptor] = {0, path};
      return;
    }
    const bool made = (flags & O_CREAT) != 0 && !was_there;
    if (made) {
      files_[path] = ++last_file_;
      Add({.kind = Kind::kCreate, .file = last_file_, .path = path});
    }
    const auto file = files_.find(path);
    if (file == files_.end()) return;
    descriptors_[descriptor] = {file->second, path};
    if (!made && (flags & O_TRUNC) != 0) Add({.kind = Kind::kTruncate, .file = file->second});
  }
  void Closed(int descriptor) {
    if (is_on_) descriptors_.erase(descriptor);
  }
  void Wrote(int descriptor, const void* bytes, ssize_t count, off_t at) {
    const auto open = is_on_ ? descriptors_.find(descriptor) : descriptors_.end();
    if (open == descriptors_.end() || open->second.file == 0 || count <= 0) return;
    // The index in shared memory is made anew by the first who opens the database.
    if (open->second.path.ends_with("-shm")) return;
    Add({.kind = Kind::kWrite,
         .file = open->second.file,
         .offset = at,
         .bytes = std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))});
  }
  void Truncated(int descriptor, off_t size) {
    const auto open = is_on_ ? descriptors_.find(descriptor) : descriptors_.end();
    if (open == descriptors_.end()) return;
    Add({.kind = Kind::kTruncate, .file = open->second.file, .offset = size});
  }
  void Synced(int descriptor) {
    const auto open = is_on_ ? descriptors_.find(descriptor) : descriptors_.end();
    if (open == descriptors_.end() || !syncs_) return;
    if (open->second.file == 0) {
      Add({.kind = Kind::kSyncFolder, .path = open->second.path});
    } else {
      Add({.kind = Kind::kSync, .file = open->second.file});
    }
  }
  void Named(Kind kind, const char* path, const char* to) {
    if (!is_on_ || !IsOurs(path)) return;
    Add({.kind = kind, .path = path, .to = to});
    const auto file = files_.find(path);
    if (file == files_.end()) return;
    if (kind == Kind::kRename || kind == Kind::kLink) files_[to] = file->second;
    if (kind == Kind::kRename || kind == Kind::kRemove) files_.erase(path);
  }

 private:
  struct Open {
    int file = 0;  // 0: a folder
    std::string path;
  };
  void Add(Request request) {
    if (is_on_) requests_.push_back(std::move(request));
  }
  [[nodiscard]] bool IsOurs(const char* path) const {
    const char after =
        std::strncmp(path, root_.c_str(), root_.size()) == 0 ? path[root_.size()] : 'x';
    return after == '/' || after == '\0';
  }

  bool is_on_ = false;
  bool syncs_ = true;
  std::string root_;
  std::vector<Request> requests_;
  std::map<std::string, int> files_;
  std::map<int, Open> descriptors_;
  int last_file_ = 0;
};

inline Recorder& TheRecorder() {
  static Recorder recorder;
  return recorder;
}

inline int OpenRecorded(const char* path, int flags, unsigned mode) {
  const bool was_there = ::syscall(SYS_access, path, F_OK) == 0;
  const auto descriptor = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  const int kept = errno;
  TheRecorder().Opened(descriptor, path, flags, was_there);
  errno = kept;
  return descriptor;
}

inline int NameRecorded(Kind kind, const char* path, const char* to, long result) {
  if (result == 0) TheRecorder().Named(kind, path, to);
  return static_cast<int>(result);
}

}  // namespace ddl::power

extern "C" {

inline unsigned ddl_mode_of(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;
}

__attribute__((used, visibility("default"))) int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const unsigned mode = ddl_mode_of(flags, rest);
  va_end(rest);
  return ddl::power::OpenRecorded(path, flags, mode);
}
__attribute__((used, visibility("default"))) int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const unsigned mode = ddl_mode_of(flags, rest);
  va_end(rest);
  return ddl::power::OpenRecorded(path, flags, mode);
}
__attribute__((used, visibility("default"))) int close(int descriptor) {
  ddl::power::TheRecorder().Closed(descriptor);
  return static_cast<int>(::syscall(SYS_close, descriptor));
}
__attribute__((used, visibility("default"))) ssize_t write(int descriptor, const void* bytes,
                                                           std::size_t count) {
  const off_t at = ::syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
  const ssize_t written = ::syscall(SYS_write, descriptor, bytes, count);
  ddl::power::TheRecorder().Wrote(descriptor, bytes, written, at);
  return written;
}
__attribute__((used, visibility("default"))) ssize_t pwrite64(int descriptor, const void* bytes,
                                                              std::size_t count, off_t at) {
  const ssize_t written = ::syscall(SYS_pwrite64, descriptor, bytes, count, at);
  ddl::power::TheRecorder().Wrote(descriptor, bytes, written, at);
  return written;
}
__attribute__((used, visibility("default"))) ssize_t pwrite(int descriptor, const void* bytes,
                                                            std::size_t count, off_t at) {
  return pwrite64(descriptor, bytes, count, at);
}
__attribute__((used, visibility("default"))) int ftruncate64(int descriptor, off_t size) noexcept {
  const long result = ::syscall(SYS_ftruncate, descriptor, size);
  if (result == 0) ddl::power::TheRecorder().Truncated(descriptor, size);
  return static_cast<int>(result);
}
__attribute__((used, visibility("default"))) int ftruncate(int descriptor, off_t size) noexcept {
  return ftruncate64(descriptor, size);
}
__attribute__((used, visibility("default"))) int fsync(int descriptor) {
  ddl::power::TheRecorder().Synced(descriptor);
  return 0;
}
__attribute__((used, visibility("default"))) int fdatasync(int descriptor) {
  ddl::power::TheRecorder().Synced(descriptor);
  return 0;
}
__attribute__((used, visibility("default"))) int rename(const char* path, const char* to) noexcept {
  return ddl::power::NameRecorded(ddl::power::Kind::kRename, path, to,
                                  ::syscall(SYS_rename, path, to));
}
__attribute__((used, visibility("default"))) int link(const char* path, const char* to) noexcept {
  return ddl::power::NameRecorded(ddl::power::Kind::kLink, path, to, ::syscall(SYS_link, path, to));
}
__attribute__((used, visibility("default"))) int unlink(const char* path) noexcept {
  return ddl::power::NameRecorded(ddl::power::Kind::kRemove, path, "", ::syscall(SYS_unlink, path));
}
__attribute__((used, visibility("default"))) int rmdir(const char* path) noexcept {
  return ddl::power::NameRecorded(ddl::power::Kind::kRemove, path, "", ::syscall(SYS_rmdir, path));
}
__attribute__((used, visibility("default"))) int remove(const char* path) noexcept {
  const int result = unlink(path);
  return result == 0 || errno != EISDIR ? result : rmdir(path);
}
__attribute__((used, visibility("default"))) int mkdir(const char* path, mode_t mode) noexcept {
  return ddl::power::NameRecorded(ddl::power::Kind::kMakeFolder, path, "",
                                  ::syscall(SYS_mkdir, path, mode));
}

}  // extern "C"
