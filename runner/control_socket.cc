// SPDX-License-Identifier: Apache-2.0
#include "runner/control_socket.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

namespace {

bool Listen(int fd, int folder, const sockaddr_un& address) {
  if (::unlinkat(folder, "socket", 0) != 0 && errno != ENOENT) return false;
  // Between bind and chmod nobody can connect: the socket does not listen yet.
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         ::fchmodat(folder, "socket", 0600, 0) == 0 && ::listen(fd, 64) == 0;
}

}  // namespace

int OpenControlSocket(const std::string& folder, SocketUse use) {
  const FileDescriptor directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return -1;
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/socket", directory.Get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const bool done =
      use == SocketUse::kListen
          ? Listen(fd.Get(), directory.Get(), address)
          : ::connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return done ? fd.Release() : -1;
}

}  // namespace ddl
