// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_tunnel.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace ddl {

namespace {

constexpr std::size_t kPumpBytes = std::size_t{64} << 10U;

}  // namespace

SshTunnel::SshTunnel(SshSession session, SshChannel channel)
    : session_(std::move(session)), channel_(std::move(channel)) {
  std::array<int, 2> ends{};
  if (!wakeup_ ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return;
  }
  near_.Reset(ends[0]);
  far_.Reset(ends[1]);
  thread_ = std::jthread([this](const std::stop_token& stop) { Pump(stop); });
}

SshTunnel::~SshTunnel() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wakeup_.Wake();
}

void SshTunnel::Pump(const std::stop_token& stop) {
  while (!stop.stop_requested() && Turn()) {
  }
  far_.Reset();  // the connection above sees its end
}

// False: one of the two sides has ended.
bool SshTunnel::Turn() {
  std::array<char, kPumpBytes>
      piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  bool moved = true;
  while (moved) {
    moved = false;
    if (from_host_.empty()) {
      const std::size_t got = channel_.Read(piece);
      from_host_.assign(piece.data(), got);
      if (got == 0 && channel_.HasEnded()) return false;
    }
    while (!from_host_.empty()) {
      const ssize_t sent = ::send(far_.Get(), from_host_.data(), from_host_.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent < 0) break;
      from_host_.erase(0, static_cast<std::size_t>(sent));
      moved = true;
    }
    if (to_host_.empty()) {
      const ssize_t got = ::recv(far_.Get(), piece.data(), piece.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
      if (got > 0) to_host_.assign(piece.data(), static_cast<std::size_t>(got));
    }
    if (!to_host_.empty()) {
      const std::size_t taken = channel_.Write(to_host_);
      to_host_.erase(0, taken);
      moved = moved || taken > 0;
    }
  }
  // What waits for one side is not asked of the other.
  const int from_near = to_host_.empty() ? POLLIN : 0;
  const int to_near = from_host_.empty() ? 0 : POLLOUT;
  std::array<pollfd, 3> watched{{{far_.Get(), static_cast<short>(from_near | to_near), 0},
                                 {channel_.Descriptor(), channel_.Events(), 0},
                                 {wakeup_.Get(), POLLIN, 0}}};
  ::poll(watched.data(), watched.size(), -1);
  return true;
}

}  // namespace ddl
