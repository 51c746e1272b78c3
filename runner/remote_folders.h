// SPDX-License-Identifier: Apache-2.0
// A store's folder on a host reached by SSH, as runner/store_folders.h tells and obeys.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runner/agent_lines.h"
#include "runner/host_session.h"
#include "runner/store_folders.h"

namespace ddl {

[[nodiscard]] std::variant<std::vector<StoreFolder>, SshProblem> ListRemoteFolders(
    HostSession& host, const std::string& store_id);

class RemoteRemoval {
 public:
  // Refuses where another ddl gc is at work there.
  [[nodiscard]] static std::variant<RemoteRemoval, SshProblem> Begin(HostSession& host,
                                                                     const std::string& store_id);
  // "aside", "back" or "remove", and the answer. nullopt: the connection is gone; what was set
  // aside and not decided comes back by itself.
  [[nodiscard]] std::optional<std::string> Do(const std::string& verb, const std::string& folder);

 private:
  RemoteRemoval(HostSession& host, AgentLines lines) : host_(&host), lines_(std::move(lines)) {}

  HostSession* host_;
  AgentLines lines_;
};

}  // namespace ddl
