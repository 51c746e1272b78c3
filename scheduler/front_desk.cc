// SPDX-License-Identifier: Apache-2.0
#include "scheduler/front_desk.h"

#include <utility>

#include "configs/error_json.h"
#include "configs/json.h"
#include "scheduler/progress_json.h"

namespace ddl {

void FrontDesk::Left(std::uint64_t client) {
  viewers_.erase(client);
  std::erase_if(asked_by_, [client](const auto& entry) { return entry.second == client; });
}

void FrontDesk::Reply(std::uint64_t client, bool ok, const std::string& text) {
  server_.Send(client, DumpJson({{"answer", {{"ok", ok}, {"text", text}}}}));
}

void FrontDesk::Refuse(std::uint64_t client, const Error& refusal) {
  Json answer = ErrorToJson(refusal);
  answer["ok"] = false;
  answer["text"] = refusal.what();
  server_.Send(client, DumpJson({{"answer", std::move(answer)}}));
}

bool FrontDesk::Deliver(const Answer& answer) {
  const auto found = asked_by_.find(answer.request);
  if (found == asked_by_.end()) return false;
  Reply(found->second, answer.ok, answer.text);
  asked_by_.erase(found);
  return true;
}

void FrontDesk::Say(SweepId sweep, const std::string& text) {
  SendToViewers(sweep, DumpJson({{"say", text}}));
}

void FrontDesk::Show(const SweepProgress& progress, const std::vector<RunningTrial>& running) {
  if (!IsWatched(progress.id)) return;
  SendToViewers(progress.id, DumpJson({{"progress", ProgressJson(progress, running)}}));
}

void FrontDesk::Ended(const SweepEnded& ended) {
  SendToViewers(
      ended.sweep,
      DumpJson({{"ended", {{"outcome", ToString(ended.outcome)}, {"reason", ended.reason}}}}));
}

bool FrontDesk::IsWatched(SweepId sweep) const {
  for (const auto& [client, watched] : viewers_) {
    if (watched == sweep) return true;
  }
  return false;
}

void FrontDesk::SendToViewers(SweepId sweep, const std::string& line) {
  for (const auto& [client, watched] : viewers_) {
    if (watched == sweep || !sweep) server_.Send(client, line);
  }
}

}  // namespace ddl
