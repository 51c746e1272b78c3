// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_auth_agent.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace ddl {

namespace {

constexpr std::chrono::seconds kTellsKeysWithin{5};
// The wakeup behind a Patience is another thread's: its end is looked for.
constexpr int kLookForEndMs = 100;

FileDescriptor ConnectToUnixSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {};
  path.copy(address.sun_path, path.size());
  FileDescriptor own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (own && ::connect(own.Get(), to, sizeof address) != 0) own.Reset();
  return own;
}

}  // namespace

// It is asked on a connection of its own: what libssh reads begins with the answer to libssh.
SshAgentSocket ConnectSshAgent(const std::string& path, const Patience& patience) {
  constexpr std::array<char, 5> kListKeys{0, 0, 0, 1, 11};  // SSH_AGENTC_REQUEST_IDENTITIES
  const FileDescriptor asking = ConnectToUnixSocket(path);
  if (!asking) return {{}, errno == EAGAIN};  // so many wait already
  (void)::send(asking.Get(), kListKeys.data(), kListKeys.size(), MSG_NOSIGNAL);
  if (!patience.AtMost(kTellsKeysWithin).Wait(asking.Get(), POLLIN)) return {{}, true};
  return {ConnectToUnixSocket(path), false};
}

// Only what is read ends: writing goes on without a SIGPIPE.
SshAgentWatch::SshAgentWatch(const FileDescriptor& socket, const Patience& patience)
    : socket_(::fcntl(socket.Get(), F_DUPFD_CLOEXEC, 0)),
      thread_([this, patience](const std::stop_token& done) {
        while (!done.stop_requested() && !patience.IsOver()) {
          pollfd woken{done_.Get(), POLLIN, 0};
          ::poll(&woken, 1, kLookForEndMs);
        }
        if (!done.stop_requested()) ::shutdown(socket_.Get(), SHUT_RD);
      }) {}

SshAgentWatch::~SshAgentWatch() {
  thread_.request_stop();
  done_.Wake();
}

}  // namespace ddl
