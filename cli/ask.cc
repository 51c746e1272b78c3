// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <chrono>

#include "runner/control_client.h"
#include "scheduler/control_words.h"

namespace ddl {

namespace {

std::optional<std::string> AskFor(const std::string& store_folder, const ActWord& word) {
  std::optional<ControlClient> client = ControlClient::Connect(store_folder);
  if (!client) return std::nullopt;
  if (!client->Send(EncodeWord(word))) return std::nullopt;
  std::string line;
  while (client->Read(line, std::chrono::seconds(5)) == ControlClient::Heard::kLine) {
    const Json json = ParseJson(line, "control socket");
    if (!json.contains("answer")) continue;
    if (!json.at("answer").at("ok").get<bool>()) return std::nullopt;
    return json.at("answer").at("text").get<std::string>();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> AskCoordinator(const std::string& store_folder, const Json& request) {
  ActWord word;
  word.sweep = request.at("sweep").get<std::string>();
  word.acts.verb = UserVerb::kExplain;
  word.acts.trials = {request.at("trial").get<std::int64_t>()};
  return AskFor(store_folder, word);
}

std::optional<std::string> AskAboutHosts(const std::string& store_folder) {
  ActWord word;
  word.acts.verb = UserVerb::kListHosts;
  return AskFor(store_folder, word);
}

}  // namespace ddl
