// SPDX-License-Identifier: Apache-2.0
// An SSH connection of a command's own to a host, for errands: `ddl-agent` is started there in a
// role that takes no part in epochs, so no coordinator is disturbed.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "runner/remote_agent.h"
#include "runner/ssh_login.h"
#include "runner/wakeup.h"

namespace ddl {

inline constexpr std::chrono::seconds kErrandPatience{30};

struct HostSessionOptions {
  std::string address;     // ssh://[USER@]HOST[:PORT]
  std::string agent_path;  // of the agent that is brought along where it is missing
  std::chrono::milliseconds patience = kErrandPatience;  // for each answer of the host
  std::stop_token stop{};                                // ends every wait
};

// Of arguments that come from a database or a host: letters, digits and / . - _, which a shell
// takes for nothing else.
[[nodiscard]] bool IsPlainWord(std::string_view word);

class HostSession {
 public:
  // Refuses as SshSession::Open does, and a bad address or an unreadable configuration of ssh.
  [[nodiscard]] static std::variant<HostSession, SshProblem> Open(HostSessionOptions options);
  HostSession(HostSession&&) noexcept;
  HostSession& operator=(HostSession&&) noexcept;
  HostSession(const HostSession&) = delete;
  HostSession& operator=(const HostSession&) = delete;
  ~HostSession();

  [[nodiscard]] std::variant<RemoteAgent, SshProblem> Start(std::string_view arguments);
  // From now on.
  [[nodiscard]] Patience For(std::chrono::milliseconds limit) const;
  [[nodiscard]] Patience Usual() const;

 private:
  struct Connection;
  explicit HostSession(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace ddl
