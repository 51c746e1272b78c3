// SPDX-License-Identifier: Apache-2.0
#include "cli/act.h"

#include <chrono>
#include <optional>

#include "cli/executables.h"
#include "cli/holder_wait.h"
#include "cli/refusal.h"
#include "configs/error.h"
#include "configs/json.h"
#include "runner/control_client.h"
#include "scheduler/coordinator.h"
#include "store/location.h"

namespace ddl {

namespace {

// Grace and kill of a trial take this long at most by default; see `grace_s`.
constexpr std::chrono::seconds kStopPatience{60};
constexpr std::chrono::seconds kHolderPatience{30};

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
    const Json& answer = json.at("answer");
    // What could not even be tried is an error, as it is where nobody conducts.
    const std::optional<Error> refusal = RefusalIn(answer);
    if (refusal && answer.contains("what")) throw Error(*refusal);
    return Answer{0, answer.at("ok").get<bool>(), answer.at("text").get<std::string>()};
  }
}

}  // namespace

Answer PerformAct(const std::string& folder, const ActWord& word) {
  HolderWait wait(folder, kHolderPatience);
  while (true) {
    if (std::optional<StoreLock> lock = StoreLock::TryTake(folder)) return ActHere(folder, word);
    if (std::optional<ControlClient> client = ControlClient::Connect(folder)) {
      if (std::optional<Answer> answer = ActThere(*client, word)) return *answer;
      wait.BeginAgain();
    }
    wait.Pause();
  }
}

}  // namespace ddl
