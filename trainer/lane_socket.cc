// SPDX-License-Identifier: Apache-2.0
#include "trainer/lane_socket.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ddl {

int AcceptLane(int listener) {
  return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

std::string SocketPath(int listener) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return address.sun_path[0] == '/' ? address.sun_path : "";
}

bool ReceiveFrom(int connection, std::string& text, std::array<int, 2>& descriptors) {
  std::array<char, 4096> piece{};
  iovec into{piece.data(), piece.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> space{};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  const ssize_t got = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof descriptors)) {
    std::array<int, 2> came{};
    std::memcpy(came.data(), CMSG_DATA(header), sizeof came);
    if (descriptors[0] < 0) {
      descriptors = came;
    } else {
      ::close(came[0]);
      ::close(came[1]);
    }
  }
  text.append(piece.data(), static_cast<std::size_t>(got));
  return got > 0;
}

void SendTo(int connection, std::string_view text) {
  (void)!::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace ddl
