// SPDX-License-Identifier: Apache-2.0
// stop, pause, resume, retry and extend: said to the coordinator, or done here when there is none.
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/trial_name.h"
#include "configs/error.h"
#include "configs/json.h"
#include "runner/control_client.h"
#include "scheduler/coordinator.h"
#include "store/location.h"
#include "store/reader.h"

namespace ddl {

namespace {

// Grace and kill of a trial take this long at most by default; see `grace_s`.
constexpr std::chrono::seconds kStopPatience{60};

UserVerb VerbOf(ControlVerb verb) {
  switch (verb) {
    case ControlVerb::kStop:
      return UserVerb::kStop;
    case ControlVerb::kPause:
      return UserVerb::kPause;
    case ControlVerb::kResume:
      return UserVerb::kResume;
    case ControlVerb::kRetry:
      return UserVerb::kRetry;
    case ControlVerb::kExtend:
      return UserVerb::kExtend;
  }
  return UserVerb::kStop;
}

ActWord WordOf(const ControlOptions& options, const std::string& folder) {
  const StoreReader reader = StoreReader::Open(folder);
  const TargetName target = ParseTargetName(options.target);
  ActWord word;
  word.sweep = ChooseSweep(reader, target.sweep).name;  // refuses unknown names
  word.acts.verb = VerbOf(options.verb);
  if (target.number) word.acts.trials.push_back(*target.number);
  word.acts.extend_by = options.count;
  return word;
}

class SilentObserver : public CoordinatorObserver {
 public:
  void OnProgress(const SweepProgress&, const std::vector<RunningTrial>&, Now) override {}
  void OnSay(SweepId, const std::string&) override {}
  void OnHangUp() override {}
};

Answer ActHere(const std::string& folder, const ActWord& word) {
  SilentObserver observer;
  Coordinator coordinator({folder, SiblingExecutable("ddl-agent"), SiblingPath("ddl-trainer")},
                          Store::Open(folder), observer);
  Answer answer = coordinator.Act(word);
  const bool stops = word.acts.verb == UserVerb::kStop || word.acts.verb == UserVerb::kPause;
  if (answer.ok && stops) (void)coordinator.RunUntilStopped(kStopPatience);
  return answer;
}

std::optional<Answer> ActThere(ControlClient& client, const ActWord& word) {
  if (!client.Send(EncodeWord(word))) return std::nullopt;
  std::string line;
  while (true) {
    const ControlClient::Heard heard = client.Read(line, std::chrono::seconds(30));
    if (heard == ControlClient::Heard::kGone) return std::nullopt;
    if (heard == ControlClient::Heard::kNothingYet) {
      throw Error("the coordinator does not answer", "", "look at it with ddl watch",
                  ErrorKind::kInfrastructure);
    }
    if (heard != ControlClient::Heard::kLine) continue;
    const Json json = ParseJson(line, "control socket");
    if (!json.contains("answer")) continue;
    return Answer{0, json.at("answer").at("ok").get<bool>(),
                  json.at("answer").at("text").get<std::string>()};
  }
}

Answer Perform(const std::string& folder, const ActWord& word) {
  while (true) {
    if (std::optional<StoreLock> lock = StoreLock::TryTake(folder)) return ActHere(folder, word);
    std::optional<ControlClient> client = ControlClient::Connect(folder);
    if (!client) continue;  // the holder is starting or leaving
    if (std::optional<Answer> answer = ActThere(*client, word)) return *answer;
  }
}

}  // namespace

int RunControlCommand(const ControlOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  const Answer answer = Perform(folder, WordOf(options, folder));
  if (options.common.json) {
    fmt::print("{}\n", DumpJson({{"ok", answer.ok}, {"text", answer.text}}));
  } else {
    fmt::print(answer.ok ? stdout : stderr, "{}\n", answer.text);
  }
  return answer.ok ? 0 : 2;
}

}  // namespace ddl
