// SPDX-License-Identifier: Apache-2.0
// A TCP connection to a host, made without waiting longer than the caller's patience.
#pragma once

#include <string>

#include "runner/file.h"
#include "runner/wakeup.h"

namespace ddl {

struct TcpConnection {
  // Non-blocking, without delay for small packets; broken a minute after the host has gone without
  // a word, whether it is written to or not. None: see `problem`.
  FileDescriptor socket;
  std::string problem;  // "cannot reach gpu1:22: Connection refused"
};

// Tries each address of the name in turn, each for a few seconds: one that swallows packets keeps
// nobody from the next, and a host that is back is asked anew soon. Looking up the name is the
// resolver's own affair and takes as long as that does.
[[nodiscard]] TcpConnection ConnectTcp(const std::string& host, int port, const Patience& patience);

}  // namespace ddl
