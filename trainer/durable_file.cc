// SPDX-License-Identifier: Apache-2.0
#include "trainer/durable_file.h"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr std::string_view kHint = "free space there or name another folder";

// Owns a descriptor, and until Keep() the file under the aside name too.
class AsideFile {
 public:
  explicit AsideFile(std::string path)
      : path_(std::move(path)),
        fd_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw SystemError("cannot create a file", path_, kHint);
  }
  AsideFile(const AsideFile&) = delete;
  AsideFile& operator=(const AsideFile&) = delete;
  ~AsideFile() {
    close(fd_);
    if (!is_kept_) unlink(path_.c_str());
  }

  void Write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw SystemError("cannot write", path_, kHint);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fsync(fd_) != 0) throw SystemError("cannot sync", path_, kHint);
  }

  void RenameTo(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0) throw SystemError("cannot rename", path_, kHint);
    is_kept_ = true;
  }

 private:
  std::string path_;
  int fd_;
  bool is_kept_ = false;
};

void SyncFolder(const std::filesystem::path& path) {
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw SystemError("cannot open the folder", folder, kHint);
  const int result = fsync(fd);
  close(fd);
  if (result != 0) throw SystemError("cannot sync the folder", folder, kHint);
}

std::string AsideName(const std::filesystem::path& path) {
  return path.string() + std::string(kAsideSuffix);
}

}  // namespace

void WriteDurably(const std::filesystem::path& path, std::string_view bytes) {
  AsideFile file(AsideName(path));
  file.Write(bytes);
  file.RenameTo(path.string());
  SyncFolder(path);
}

void LinkDurably(const std::filesystem::path& existing, const std::filesystem::path& path) {
  const std::string aside = AsideName(path);
  unlink(aside.c_str());
  if (link(existing.c_str(), aside.c_str()) != 0) {
    throw SystemError("cannot link", existing.string(), kHint);
  }
  // Renaming one name of a file to another of its names does nothing, and leaves the aside name.
  const int result = rename(aside.c_str(), path.c_str());
  unlink(aside.c_str());
  if (result != 0) throw SystemError("cannot rename", aside, kHint);
  SyncFolder(path);
}

void SyncNamesAboveFolder(const std::filesystem::path& folder) {
  for (std::filesystem::path above = std::filesystem::absolute(folder).parent_path();;
       above = above.parent_path()) {
    const int fd = open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
      (void)fsync(fd);
      close(fd);
    }
    if (above == above.parent_path()) return;
  }
}

}  // namespace ddl
