// SPDX-License-Identifier: Apache-2.0
#include "runner/control_client.h"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/control_socket.h"

namespace ddl {

std::optional<ControlClient> ControlClient::Connect(const std::string& folder) {
  const int fd = OpenControlSocket(folder, SocketUse::kConnect);
  if (fd < 0) return std::nullopt;
  return ControlClient(fd);
}

ControlClient::ControlClient(ControlClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

ControlClient& ControlClient::operator=(ControlClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

ControlClient::~ControlClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool ControlClient::Send(const std::string& line) {
  const std::string text = line + '\n';
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    pollfd writable{fd_, POLLOUT, 0};
    if (::poll(&writable, 1, 30'000) == 0) return false;
  }
  return true;
}

ControlClient::Heard ControlClient::Read(std::string& line, std::chrono::milliseconds patience) {
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return Heard::kLine;
    }
    pollfd readable{fd_, POLLIN, 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(patience.count()));
    if (ready == 0) return Heard::kNothingYet;
    if (ready < 0) return errno == EINTR ? Heard::kInterrupted : Heard::kGone;
    std::array<char, 65536> piece{};
    const ssize_t got = ::read(fd_, piece.data(), piece.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return Heard::kGone;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace ddl
