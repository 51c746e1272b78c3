// SPDX-License-Identifier: Apache-2.0
#include "runner/code_child.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/code_receiver.h"

namespace ddl {

namespace {

constexpr std::size_t kSocketBytes = std::size_t{1} << 20U;

// It has nothing of the agent's but its socket, and ends when that does.
[[noreturn]] void BecomeCodeChild(int socket, const std::string& code_folder) {
  ::prctl(PR_SET_NAME, "ddl-code");
  if (!LeaveStandardStreams()) ::_exit(1);
  const auto only = static_cast<unsigned>(socket);
  if (only > 3) ::close_range(3, only - 1, 0);
  ::close_range(only + 1, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::_exit(ReceiveCode(socket, code_folder));
}

}  // namespace

void CodeChild::Pass(const ToHost& message, const HostPaths& paths) {
  const auto* offer = std::get_if<OfferCode>(&message);
  if (offer != nullptr) code_ = offer->code;
  if (!socket_ && (offer == nullptr || !Start(paths))) return;  // Turn says that there is none
  AppendFrame(message, out_);
  Flush();
}

bool CodeChild::Start(const HostPaths& paths) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
  FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  for (const int end : ends) {
    const int size = kSocketBytes;
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) BecomeCodeChild(theirs.Get(), paths.Code());
  ::fcntl(ours.Get(), F_SETFL, O_NONBLOCK);
  socket_ = std::move(ours);
  frames_ = FrameReader();
  out_.clear();
  return true;
}

short CodeChild::Events() const {
  return static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT);
}

std::vector<CodeNews> CodeChild::Turn() {
  std::vector<CodeNews> all;
  bool is_there = static_cast<bool>(socket_);
  if (is_there) {
    Flush();
    is_there = Read();
  }
  while (std::optional<FromHost> message = frames_.Next<FromHost>()) {
    auto* news = std::get_if<CodeNews>(&*message);
    if (news == nullptr) continue;
    const bool is_end = news->stage == CodeStage::kReady || news->stage == CodeStage::kRefused;
    if (is_end && news->code == code_) code_.clear();
    all.push_back(std::move(*news));
  }
  if (is_there || code_.empty()) return all;
  all.push_back({.code = std::exchange(code_, {}),
                 .stage = CodeStage::kRefused,
                 .problem = "the process that puts code together does not start, or was killed"});
  return all;
}

void CodeChild::Flush() {
  std::size_t done = 0;
  while (done < out_.size()) {
    const ssize_t sent =
        ::send(socket_.Get(), out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) break;  // Read knows when nobody is there any more
    done += static_cast<std::size_t>(sent);
  }
  out_.erase(0, done);
}

// False: the child is gone.
bool CodeChild::Read() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (true) {
    const ssize_t got = ::read(socket_.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) break;
    frames_.Add({piece.data(), static_cast<std::size_t>(got)});
  }
  socket_.Reset();
  out_.clear();
  return false;
}

}  // namespace ddl
