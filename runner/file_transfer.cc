// SPDX-License-Identifier: Apache-2.0
#include "runner/file_transfer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

std::uint64_t SizeOfOpen(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

std::string Refusal(const std::string& path) {
  return fmt::format("{}: {}", path, std::strerror(errno));
}

std::string Finish(const std::string& aside, const std::string& path, const std::string& sha256) {
  const std::optional<std::string> text = ReadFile(aside);
  if (!text) return Refusal(aside);
  if (Sha256Hex(*text) != sha256) {
    ::unlink(aside.c_str());
    return fmt::format("{}: what arrived is not what was sent; send it again", path);
  }
  return ::rename(aside.c_str(), path.c_str()) == 0 ? std::string() : Refusal(path);
}

}  // namespace

std::string PathBelow(const std::string& folder, const std::string& path) {
  const std::filesystem::path relative(path);
  const bool leaves = std::ranges::count(relative, "..") > 0;
  if (path.empty() || relative.is_absolute() || leaves) return {};
  return folder + "/" + path;
}

FileChunk ReadPiece(const std::string& host_folder, const GetFile& request) {
  FileChunk chunk{.request = request.request,
                  .offset = request.offset,
                  .bytes = {},
                  .last = true,
                  .problem = {}};
  const std::string path = PathBelow(host_folder, request.path);
  const FileDescriptor fd(path.empty() ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    chunk.problem = path.empty() ? request.path + ": not below the host folder" : Refusal(path);
    return chunk;
  }
  const std::uint64_t size = SizeOfOpen(fd.Get());
  const std::uint64_t left = size - std::min(size, request.offset);
  chunk.bytes.resize(std::min({left, request.length, std::uint64_t{kMaxFilePiece}}));
  const std::int64_t got =
      ReadAllAt(fd.Get(), chunk.bytes, static_cast<std::int64_t>(request.offset));
  if (got < 0) chunk.problem = Refusal(path);
  chunk.bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, got)));
  chunk.last = chunk.bytes.size() == std::min(left, request.length);
  return chunk;
}

PutFileReply WritePiece(const std::string& host_folder, const PutFile& request) {
  PutFileReply reply{.request = request.request, .have = 0, .done = false, .problem = {}};
  const std::string path = PathBelow(host_folder, request.path);
  if (path.empty()) {
    reply.problem = request.path + ": not below the host folder";
    return reply;
  }
  const std::string aside = path + ".part";
  std::error_code refused;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), refused);
  FileDescriptor fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) reply.problem = Refusal(aside);
  if (!reply.problem.empty()) return reply;
  reply.have = SizeOfOpen(fd.Get());
  if (request.offset > reply.have) {
    return reply;  // a piece is missing: the sender goes on at `have`
  }
  if (::lseek(fd.Get(), static_cast<off_t>(request.offset), SEEK_SET) < 0 ||
      !WriteAll(fd.Get(), request.bytes)) {
    reply.problem = Refusal(aside);
    return reply;
  }
  reply.have = std::max(reply.have, request.offset + request.bytes.size());
  if (!request.last) return reply;
  fd.Reset();
  reply.problem = Finish(aside, path, request.sha256);
  reply.done = reply.problem.empty();
  return reply;
}

}  // namespace ddl
