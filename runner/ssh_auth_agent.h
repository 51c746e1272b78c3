// SPDX-License-Identifier: Apache-2.0
// The user's SSH agent: a program of somebody else's, which may be stopped, or wait for the touch
// of a key. libssh would wait for its words without end; here that gets one.
#pragma once

#include <string>
#include <thread>

#include "runner/file.h"
#include "runner/wakeup.h"

namespace ddl {

struct SshAgentSocket {
  FileDescriptor socket;   // connected, non-blocking; none: nobody listens there, or
  bool is_silent = false;  // it does not tell within some seconds which keys it has
};
[[nodiscard]] SshAgentSocket ConnectSshAgent(const std::string& path, const Patience& patience);

// As long as it lives: who waits for a word on the socket finds the end of it when patience is
// over.
class SshAgentWatch {
 public:
  SshAgentWatch(const FileDescriptor& socket, const Patience& patience);
  SshAgentWatch(const SshAgentWatch&) = delete;
  SshAgentWatch& operator=(const SshAgentWatch&) = delete;
  SshAgentWatch(SshAgentWatch&&) = delete;
  SshAgentWatch& operator=(SshAgentWatch&&) = delete;
  ~SshAgentWatch();

 private:
  FileDescriptor socket_;  // the same one
  Wakeup done_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace ddl
