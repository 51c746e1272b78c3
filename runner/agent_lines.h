// SPDX-License-Identifier: Apache-2.0
// Lines between a command and the agent that it started on a host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runner/host_session.h"

namespace ddl {

class AgentLines {
 public:
  explicit AgentLines(RemoteAgent agent)
      : channel_(std::move(agent.channel)), rest_(std::move(agent.first_bytes)) {}

  // With the next wait: the host may not take it yet.
  void Say(std::string_view bytes) { unsaid_ += bytes; }
  // nullopt: the time is up, the agent has ended, or it says more than `limit` without a line.
  [[nodiscard]] std::optional<std::string> Next(const Patience& patience);

 private:
  SshChannel channel_;
  std::string rest_;
  std::string unsaid_;
};

}  // namespace ddl
