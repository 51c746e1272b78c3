// SPDX-License-Identifier: Apache-2.0
#include "runner/tree_sender.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/file_transfer.h"
#include "runner/tree_stream.h"

namespace ddl {

namespace {

struct Had {
  std::int64_t size = 0;
  std::int64_t mtime = 0;
};

std::int64_t MtimeOf(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// What the receiver says, from a stream that is not read beyond it.
class HadReader {
 public:
  explicit HadReader(int in) : in_(in) {}

  std::optional<std::map<std::string, Had>> Read() {
    std::map<std::string, Had> had;
    while (true) {
      const auto line = Line();
      const auto head = line ? ParseTreeHead(*line) : std::nullopt;
      if (!head) return std::nullopt;
      if (head->kind == 'g') return had;
      const auto path = Take(static_cast<std::size_t>(head->path_size));
      if (!path || head->kind != 'h') return std::nullopt;
      had[*path] = {head->size, head->mtime};
    }
  }

 private:
  std::optional<std::string> Line() {
    while (true) {
      const std::size_t end = bytes_.find('\n', at_);
      if (end != std::string::npos) {
        std::string line = bytes_.substr(at_, end - at_);
        at_ = end + 1;
        return line;
      }
      if (bytes_.size() - at_ > kLongestTreeHead || !More()) return std::nullopt;
    }
  }
  std::optional<std::string> Take(std::size_t size) {
    while (bytes_.size() - at_ < size) {
      if (!More()) return std::nullopt;
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  bool More() {
    bytes_.erase(0, at_);
    at_ = 0;
    std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
    ssize_t got = -1;
    do {
      got = ::read(in_, piece.data(), piece.size());
    } while (got < 0 && errno == EINTR);
    if (got > 0) bytes_.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  int in_;
  std::string bytes_;
  std::size_t at_ = 0;
};

class TreeSender {
 public:
  TreeSender(std::map<std::string, Had> had, int out) : had_(std::move(had)), out_(out) {}

  bool Folder(const std::string& path, const std::string& name) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT || Failed(path);
    return Entry(path, name, status);
  }
  bool End() {
    for (const auto& [name, target] : links_) {
      if (!Put(TreeHeadLine({.kind = 'l',
                             .size = static_cast<std::int64_t>(target.size()),
                             .path_size = static_cast<std::int64_t>(name.size())}) +
               name + target)) {
        return false;
      }
    }
    return Put(TreeHeadLine({.kind = 'e', .size = files_, .mtime = bytes_}));
  }

 private:
  // Of a path that is there: a folder with all that is in it, a file, a link; nothing of others.
  bool Entry(const std::string& path, const std::string& name, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) return Children(path, name, status);
    if (S_ISREG(status.st_mode)) return File(path, name);
    if (!S_ISLNK(status.st_mode)) return true;
    std::string target(static_cast<std::size_t>(kLongestTreePath), '\0');
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size <= 0) return Failed(path);
    target.resize(static_cast<std::size_t>(size));
    links_.emplace_back(name, std::move(target));
    return true;
  }

  bool Children(const std::string& path, const std::string& name, const struct stat& status) {
    if (!Put(TreeHeadLine({.kind = 'd',
                           .mode = status.st_mode & 0777,
                           .path_size = static_cast<std::int64_t>(name.size())}) +
             name)) {
      return false;
    }
    std::vector<std::string> names = ListFolder(path);
    std::ranges::sort(names);
    for (const std::string& child : names) {
      struct stat facts{};
      const std::string child_path = path + "/" + child;
      if (::lstat(child_path.c_str(), &facts) != 0) return Failed(child_path);
      if (!Entry(child_path, name + "/" + child, facts)) return false;
    }
    return true;
  }

  bool File(const std::string& path, const std::string& name) {
    const FileDescriptor file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
    struct stat status{};
    if (!file || ::fstat(file.Get(), &status) != 0) return Failed(path);
    const std::int64_t size = status.st_size;
    const std::int64_t mtime = MtimeOf(status);
    const auto had = had_.find(name);
    const bool is_same =
        had != had_.end() && had->second.mtime == mtime && had->second.size <= size;
    std::int64_t at = is_same ? had->second.size : 0;
    ++files_;
    bytes_ += size;
    if (!Put(TreeHeadLine({.kind = 'f',
                           .size = size,
                           .mtime = mtime,
                           .mode = status.st_mode & 0777,
                           .from = at,
                           .path_size = static_cast<std::int64_t>(name.size())}) +
             name)) {
      return false;
    }
    while (at < size) {
      const auto want = std::min<std::int64_t>(size - at, std::ssize(piece_));
      const std::span<char> room(piece_.data(), static_cast<std::size_t>(want));
      const std::int64_t got = ReadAllAt(file.Get(), room, at);
      if (got < want) return Failed(path);  // it was made shorter meanwhile
      if (!Put({piece_.data(), static_cast<std::size_t>(got)})) return false;
      at += got;
    }
    return true;
  }

  bool Put(std::string_view bytes) const { return WriteAll(out_, bytes); }

  static bool Failed(const std::string& path) {
    const char* why = errno == 0 ? "it changed while it was read" : std::strerror(errno);
    std::fprintf(stderr, "%s: %s\n", path.c_str(), why);
    return false;
  }

  std::map<std::string, Had> had_;
  int out_;
  std::int64_t files_ = 0;
  std::int64_t bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> links_;
  std::vector<char> piece_ = std::vector<char>(std::size_t{256} << 10U);
};

}  // namespace

int SendTree(const std::string& host_folder, const NamedFolders& folders, int in, int out) {
  auto had = HadReader(in).Read();
  if (!had) return 1;
  TreeSender sender(*std::move(had), out);
  for (const auto& [name, folder] : folders) {
    const std::string path = PathBelow(host_folder, folder);
    if (path.empty() || !IsPathInside(name)) return 1;
    if (IsMissing(FolderOf(path))) {
      std::fprintf(stderr, "%s is not there any more\n", FolderOf(path).c_str());
      return 1;
    }
    if (!sender.Folder(path, name)) return 1;
  }
  return sender.End() ? 0 : 1;
}

}  // namespace ddl
