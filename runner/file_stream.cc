// SPDX-License-Identifier: Apache-2.0
#include "runner/file_stream.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/file_transfer.h"
#include "runner/rank_record.h"

namespace ddl {

namespace {

// Where the kernel tells nothing of changes, or has told too little.
constexpr int kLookEveryMs = 1000;
constexpr int kLookOftenMs = 100;

// Tells when something in a folder changes.
class FolderWatch {
 public:
  explicit FolderWatch(const std::string& folder)
      : events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    constexpr std::uint32_t kWhat = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF;
    if (events_ && ::inotify_add_watch(events_.Get(), folder.c_str(), kWhat) < 0) events_.Reset();
  }

  // False: nobody listens any more.
  [[nodiscard]] bool Await(int listener) const {
    std::array<pollfd, 2> watched{{{events_.Get(), POLLIN, 0}, {listener, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), events_ ? kLookEveryMs : kLookOftenMs);
    std::array<char, 4096> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    while (events_ && ::read(events_.Get(), piece.data(), piece.size()) > 0) {
    }
    return watched[1].revents == 0;
  }

 private:
  FileDescriptor events_;
};

enum class Copied : std::uint8_t { kAll, kUnreadable, kUnwritable };

// From `offset` to the present end.
Copied CopyOn(int file, std::int64_t& offset, int out) {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (true) {
    const std::int64_t got = ReadAllAt(file, piece, offset);
    if (got < 0) return Copied::kUnreadable;
    if (got == 0) return Copied::kAll;
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
    if (!WriteAll(out, bytes)) return Copied::kUnwritable;
    offset += got;
  }
}

bool HasEnded(const std::string& job_folder) {
  return IsMissing(job_folder) || IsSettled(job_folder) || ReadRankRecord(job_folder).exit;
}

int Follow(const std::string& path, std::int64_t offset, int out, int listener) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const FolderWatch watch(folder);
  FileDescriptor file;
  while (true) {
    const bool has_ended = HasEnded(folder);  // before the look at what it wrote
    if (!file) file = OpenFile(path, O_RDONLY);
    const Copied copied = file ? CopyOn(file.Get(), offset, out) : Copied::kAll;
    if (copied != Copied::kAll) return 1;
    if (has_ended) return file ? 0 : kNoSuchFile;
    if (!watch.Await(listener)) return 1;
  }
}

}  // namespace

int StreamFile(const StreamedFile& file, int out, int listener) {
  const std::string path = PathBelow(file.host_folder, file.path);
  if (path.empty()) return 1;
  std::int64_t offset = file.offset;
  if (file.follow) return Follow(path, offset, out, listener);
  const FileDescriptor opened = OpenFile(path, O_RDONLY);
  if (!opened) return errno == ENOENT ? kNoSuchFile : 1;
  return CopyOn(opened.Get(), offset, out) == Copied::kAll ? 0 : 1;
}

}  // namespace ddl
