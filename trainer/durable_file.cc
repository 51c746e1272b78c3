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

// What may be waiting to be written: a file larger than memory must not fill it.
constexpr std::size_t kPace = std::size_t{16} << 20U;
constexpr std::string_view kHint = "free space there or name another folder";

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

// What a kill left under the name may be a second name of a whole file (LinkDurably), which must
// not be emptied.
int OpenAnew(const std::string& path) {
  unlink(path.c_str());
  return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

}  // namespace

DurableFile::DurableFile(std::filesystem::path path)
    : path_(std::move(path)), aside_(AsideName(path_)), fd_(OpenAnew(aside_)) {
  if (fd_ < 0) throw SystemError("cannot create a file", aside_, kHint);
}

DurableFile::~DurableFile() {
  close(fd_);
  if (!is_kept_) unlink(aside_.c_str());
}

void DurableFile::WriteAt(std::size_t offset, std::string_view bytes) {
  unpaced_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError("cannot write", aside_, kHint);
    offset += static_cast<std::size_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (unpaced_ < kPace) return;
  unpaced_ = 0;
  (void)::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
}

void DurableFile::Resize(std::size_t bytes) {
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    throw SystemError("cannot write", aside_, kHint);
  }
}

void DurableFile::Keep() {
  if (fsync(fd_) != 0) throw SystemError("cannot sync", aside_, kHint);
  if (rename(aside_.c_str(), path_.c_str()) != 0) throw SystemError("cannot rename", aside_, kHint);
  is_kept_ = true;
  SyncFolder(path_);
}

void WriteDurably(const std::filesystem::path& path, std::string_view bytes) {
  DurableFile file(path);
  file.WriteAt(0, bytes);
  file.Keep();
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
