// SPDX-License-Identifier: Apache-2.0
// Carries the bytes of an SSH connection over another one: a ProxyJump. Nothing listens anywhere.
#pragma once

#include <thread>

#include "runner/file.h"
#include "runner/ssh_session.h"
#include "runner/wakeup.h"

namespace ddl {

class SshTunnel {
 public:
  // `channel` runs over `session`.
  SshTunnel(SshSession session, SshChannel channel);
  ~SshTunnel();
  SshTunnel(const SshTunnel&) = delete;
  SshTunnel& operator=(const SshTunnel&) = delete;
  SshTunnel(SshTunnel&&) = delete;
  SshTunnel& operator=(SshTunnel&&) = delete;

  // The end that looks like a socket to the host; taken once. None: the process has no more
  // descriptors.
  [[nodiscard]] FileDescriptor TakeEnd() { return std::move(near_); }

 private:
  void Pump(const std::stop_token& stop);
  bool Turn();

  SshSession session_;
  SshChannel channel_;
  Wakeup wakeup_;
  FileDescriptor near_;
  FileDescriptor far_;
  std::string to_host_;
  std::string from_host_;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace ddl
