// SPDX-License-Identifier: Apache-2.0
// The coordinator's ear on this machine: a Unix socket (0600) that carries one line a message, and
// the signals that people send to the process. Owns a thread; news go through `deliver`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace ddl {

struct ClientSaid {
  std::uint64_t client = 0;
  std::string line;  // without its newline
};
struct ClientLeft {
  std::uint64_t client = 0;
};
struct SignalArrived {
  int number = 0;
};
using ControlNews = std::variant<ClientSaid, ClientLeft, SignalArrived>;

// A client that does not read is cut off once this much waits for it.
inline constexpr std::size_t kMaxClientBacklog = 4U << 20U;
inline constexpr std::size_t kMaxControlLine = 8U << 20U;

class ControlServer {
 public:
  virtual ~ControlServer() = default;
  // Queued, never blocks; unknown clients are ignored (they may have left).
  virtual void Send(std::uint64_t client, std::string line) = 0;
};

// `folder`/socket; a stale socket file of a dead coordinator is replaced, which the store's lock
// makes safe. Blocks SIGINT, SIGTERM and SIGHUP for the process and reports them instead: call it
// before other threads start. Throws Error when the socket cannot be made.
[[nodiscard]] std::unique_ptr<ControlServer> MakeControlServer(
    const std::string& folder, std::function<void(ControlNews)> deliver);

}  // namespace ddl
