// SPDX-License-Identifier: Apache-2.0
#include "cli/act.h"

#include <chrono>
#include <optional>

#include "cli/executables.h"
#include "configs/error.h"
#include "configs/json.h"
#include "runner/control_client.h"
#include "scheduler/coordinator.h"
#include "store/location.h"

namespace ddl {

namespace {

// Grace and kill of a trial take this long at most by default; see `grace_s`.
constexpr std::chrono::seconds kStopPatience{60};

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

}  // namespace

Answer PerformAct(const std::string& folder, const ActWord& word) {
  while (true) {
    if (std::optional<StoreLock> lock = StoreLock::TryTake(folder)) return ActHere(folder, word);
    std::optional<ControlClient> client = ControlClient::Connect(folder);
    if (!client) continue;  // the holder is starting or leaving
    if (std::optional<Answer> answer = ActThere(*client, word)) return *answer;
  }
}

}  // namespace ddl
