// SPDX-License-Identifier: Apache-2.0
#include "runner/tcp_connect.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ddl {

namespace {

// Three tries of the kernel's, and enough for a round trip of 2 s.
constexpr std::chrono::seconds kForOneAddress{5};

// So long nothing may come back of a connection to a host that has gone without a word, until it
// counts as broken. More than a link and an errand wait by themselves: it is for who would wait for
// ever.
constexpr int kBrokenAfterMs = 60'000;
constexpr int kAskAfterS = 20;  // without a byte
constexpr int kAskEveryS = 10;

void Set(const FileDescriptor& socket, int level, int option, int value) {
  ::setsockopt(socket.Get(), level, option, &value, sizeof value);
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// 0, or the errno of the refusal.
int ConnectTo(const addrinfo& address, const Patience& patience, FileDescriptor& socket) {
  socket.Reset(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  if (::connect(socket.Get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!patience.Wait(socket.Get(), POLLOUT)) return ETIMEDOUT;
  int problem = 0;
  socklen_t size = sizeof problem;
  return ::getsockopt(socket.Get(), SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

}  // namespace

TcpConnection ConnectTcp(const std::string& host, int port, const Patience& patience) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int unknown = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  const Addresses addresses(found, &::freeaddrinfo);
  TcpConnection connection;
  if (unknown != 0) {
    connection.problem = fmt::format("no address for {}: {}", host, ::gai_strerror(unknown));
    return connection;
  }
  int problem = EHOSTUNREACH;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    problem = ConnectTo(*address, patience.AtMost(kForOneAddress), connection.socket);
    if (problem == 0 || patience.IsStopped()) break;
  }
  if (problem != 0) {
    connection.socket.Reset();
    connection.problem = fmt::format("cannot reach {}:{}: {}", host, port, std::strerror(problem));
    return connection;
  }
  Set(connection.socket, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(connection.socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  Set(connection.socket, IPPROTO_TCP, TCP_KEEPIDLE, kAskAfterS);
  Set(connection.socket, IPPROTO_TCP, TCP_KEEPINTVL, kAskEveryS);
  Set(connection.socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kBrokenAfterMs);
  return connection;
}

}  // namespace ddl
