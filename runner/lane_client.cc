// SPDX-License-Identifier: Apache-2.0
#include "runner/lane_client.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

namespace {

constexpr int kLostCode = 70;  // EX_SOFTWARE; the supervisor goes by the file
constexpr int kTerminated = 128 + SIGTERM;

void Note(const LaneNews& news) {
  const char* params = std::getenv("DDL_PARAMS");
  const std::string path = params == nullptr ? "" : params;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return;
  (void)WriteFileAtomically(path.substr(0, slash) + kLaneFile, ToText(news));
}

// What the worker has said so far.
class Answers {
 public:
  // False once it says no more.
  bool Read(int connection) {
    std::array<char, 256> piece{};
    const ssize_t got = ::recv(connection, piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    text_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
  }
  [[nodiscard]] bool HasBegun() const { return text_.starts_with("begun\n"); }
  // "end CODE CPU_MS" of a lane that has ended.
  [[nodiscard]] bool FindEnd(int& code, std::int64_t& cpu_ms) const {
    constexpr std::string_view kEnd = "\nend ";
    const std::size_t at = text_.find(kEnd);
    if (at == std::string::npos || text_.find('\n', at + 1) == std::string::npos) return false;
    const char* const last = text_.data() + text_.size();
    const auto first = std::from_chars(text_.data() + at + kEnd.size(), last, code);
    return first.ec == std::errc() && first.ptr != last &&
           std::from_chars(first.ptr + 1, last, cpu_ms).ec == std::errc();
  }

 private:
  std::string text_;
};

int BecomeCommand(char** command) {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(command[0], command);
  fmt::print(stderr, "cannot start {}: {}\n", command[0], std::strerror(errno));
  return 127;
}

}  // namespace

std::string ToText(const LaneNews& news) {
  return fmt::format("{} {}\n", news.is_lost ? "lost" : "end", news.cpu_ms);
}

std::optional<LaneNews> ParseLaneNews(std::string_view text) {
  LaneNews news{.is_lost = text.starts_with("lost ")};
  if (!news.is_lost && !text.starts_with("end ")) return std::nullopt;
  text.remove_prefix(text.find(' ') + 1);
  const auto number = std::from_chars(text.data(), text.data() + text.size(), news.cpu_ms);
  if (number.ec != std::errc() || news.cpu_ms < 0) return std::nullopt;
  return news;
}

void DescribeLane(std::string_view text, ExitRecord& record) {
  const auto news = ParseLaneNews(text);
  if (!news) return;
  record.cpu_ms += news->cpu_ms;
  record.peak_memory_kib = 0;  // the client's own tells nothing
  if (!news->is_lost || record.cause != EndCause::kExited) return;
  record.cause = EndCause::kWorkerLost;
  record.exit_code = 0;
  record.detail = "the process that it shared with other trials ended";
}

int RunLane(int connection, char** command) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &term, nullptr);
  const FileDescriptor signals(::signalfd(-1, &term, SFD_CLOEXEC));
  if (!signals) return BecomeCommand(command);
  bool is_stopped = false;
  Answers answers;
  int code = 0;
  LaneNews news;
  std::array<pollfd, 2> watched{{{connection, POLLIN, 0}, {signals.Get(), POLLIN, 0}}};
  while (!answers.FindEnd(code, news.cpu_ms)) {
    ::poll(watched.data(), watched.size(), -1);
    if (watched[1].revents != 0) {
      is_stopped = true;
      watched[1].fd = -1;  // once is enough
      (void)::send(connection, "stop\n", 5, MSG_NOSIGNAL);
    }
    if (watched[0].revents == 0 || answers.Read(connection)) continue;
    if (!answers.HasBegun()) return is_stopped ? kTerminated : BecomeCommand(command);
    Note({.is_lost = true});
    return kLostCode;
  }
  Note(news);
  return code;
}

}  // namespace ddl
