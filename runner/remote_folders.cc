// SPDX-License-Identifier: Apache-2.0
#include "runner/remote_folders.h"

#include <chrono>
#include <utility>

namespace ddl {

namespace {

// Of a folder with very many files.
constexpr std::chrono::minutes kLookingTime{10};

std::variant<AgentLines, SshProblem> StartLines(HostSession& host, const std::string& role,
                                                const std::string& store_id) {
  if (!IsPlainWord(store_id) || store_id.find_first_of("/.") != std::string::npos) {
    return SshProblem{store_id + " is no store's id", "run ddl store check"};
  }
  auto started = host.Start(role + " " + store_id);
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  return AgentLines(std::get<RemoteAgent>(std::move(started)));
}

}  // namespace

std::variant<std::vector<StoreFolder>, SshProblem> ListRemoteFolders(HostSession& host,
                                                                     const std::string& store_id) {
  auto started = StartLines(host, "folders", store_id);
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  auto& lines = std::get<AgentLines>(started);
  std::vector<StoreFolder> folders;
  const Patience patience = host.For(kLookingTime);
  while (const auto line = lines.Next(patience)) {
    if (*line == "end") return folders;
    auto folder = ParseFolderLine(*line);
    if (!folder) break;
    folders.push_back(*std::move(folder));
  }
  return SshProblem{"it does not say what lies there", {}};
}

std::variant<RemoteRemoval, SshProblem> RemoteRemoval::Begin(HostSession& host,
                                                             const std::string& store_id) {
  auto started = StartLines(host, "remove", store_id);
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  RemoteRemoval removal(host, std::get<AgentLines>(std::move(started)));
  const auto line = removal.lines_.Next(host.For(kLookingTime));
  if (line == "ready") return removal;
  return SshProblem{line ? "another ddl gc is at work there, or its folder cannot be written"
                         : "it does not answer",
                    {}};
}

std::optional<std::string> RemoteRemoval::Do(const std::string& verb, const std::string& folder) {
  lines_.Say(verb + " " + folder + "\n");
  return lines_.Next(host_->For(kLookingTime));
}

}  // namespace ddl
