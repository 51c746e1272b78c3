// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr mode_t kMode = 0666;  // less the user's umask

class OwnedFile {
 public:
  explicit OwnedFile(int fd) : fd_(fd) {}
  OwnedFile(const OwnedFile&) = delete;
  OwnedFile& operator=(const OwnedFile&) = delete;
  ~OwnedFile() { close(fd_); }
  [[nodiscard]] int Fd() const { return fd_; }

 private:
  int fd_;
};

bool WriteOut(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// A pipe, a terminal, a device or a link must not be replaced by renaming; it is written to.
bool IsSpecial(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

void WriteInPlace(const std::string& path, std::string_view text) {
  const OwnedFile file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (file.Fd() < 0 || !WriteOut(file.Fd(), text)) {
    throw SystemError("cannot write the file", path, "give a file that can be written");
  }
}

}  // namespace

void PrintText(std::string_view text) {
  if (!WriteOut(STDOUT_FILENO, text) && errno != EPIPE) {
    throw SystemError("cannot write to standard output", "", "look at where it is redirected to");
  }
}

bool IsOutputRead() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return poll(&output, 1, 0) <= 0 || (output.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

void WriteOrDrop(int fd, std::string_view text) {
  constexpr int kPatienceMs = 200;
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    pollfd wait{fd, POLLOUT, 0};
    if (written == 0 || errno != EAGAIN || poll(&wait, 1, kPatienceMs) <= 0) return;
  }
}

void PrintAside(std::string_view text) {
  WriteOrDrop(STDERR_FILENO, text);
}

void PrintLines(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  PrintText(text);
}

void PrintJson(const Json& value) {
  PrintText(DumpJson(value, 2) + "\n");
}

void WriteFileWhole(const std::string& path, std::string_view text) {
  if (path == "-") {
    PrintText(text);
    return;
  }
  if (IsSpecial(path)) {
    WriteInPlace(path, text);
    return;
  }
  const std::string aside = fmt::format("{}.{}.part", path, getpid());
  const OwnedFile file(open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  const bool written = file.Fd() >= 0 && WriteOut(file.Fd(), text) && fsync(file.Fd()) == 0 &&
                       rename(aside.c_str(), path.c_str()) == 0;
  if (written) return;
  const int code = errno;
  if (file.Fd() >= 0) unlink(aside.c_str());
  errno = code;
  throw SystemError("cannot write the file", path, "give a folder that exists and can be written");
}

}  // namespace ddl
