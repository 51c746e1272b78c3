// SPDX-License-Identifier: Apache-2.0
// Starts ddl-agent on a host that has nothing but a shell and the usual small programs (sh, id,
// uname, mkdir, chmod, cat, mv, cut, sha256sum). The executable lies in the host folder under a
// name with its hash, is sent where it is missing, and is checked there before it runs.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "runner/ssh_session.h"
#include "runner/wakeup.h"

namespace ddl {

// What it is started with, by a shell: its role, and the words of that.
inline constexpr std::string_view kServeCoordinator = "agent --stdio";
inline constexpr std::string_view kTellFacts = "facts --stdio";

// Commands for the user's login shell, whichever that is.
[[nodiscard]] std::string AgentStartCommand(std::string_view sha256,
                                            std::string_view arguments = kServeCoordinator);
[[nodiscard]] std::string AgentUploadCommand(std::string_view sha256);

// What a host answers to the start command, after whatever its shell's own files print.
enum class AgentAnswer : std::uint8_t {
  kIncomplete,  // more has to come
  kReady,       // frames follow
  kMissing,
  kRefused,  // `text` says why
};
struct ParsedAnswer {
  AgentAnswer answer = AgentAnswer::kIncomplete;
  std::string text;
  std::size_t size = 0;  // of the answer: what follows is the agent's
};
[[nodiscard]] ParsedAnswer ParseAgentAnswer(std::string_view output);

struct RemoteAgent {
  SshChannel channel;
  std::string first_bytes;  // of what it says
};

// `patience` holds for all of it but sending the executable, which may take as long as bytes move.
[[nodiscard]] std::variant<RemoteAgent, SshProblem> StartRemoteAgent(
    SshSession& session, const std::string& agent_path, const Patience& patience,
    std::string_view arguments = kServeCoordinator);

}  // namespace ddl
