// SPDX-License-Identifier: Apache-2.0
// What the coordinator does with what it hears, and with what the core orders.
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "scheduler/coordinator.h"

namespace ddl {

// ---- what happened ---------------------------------------------------------------------------

void Coordinator::Apply(HostNews& news) {
  const Now now = Clock();
  if (auto* message = std::get_if<FromHost>(&news.what)) {
    local_.OnHeard();
    Heard(*message);
  } else if (const auto* down = std::get_if<LinkDown>(&news.what)) {
    local_.OnDown(now.monotonic);
    Step(HostDown{news.host, down->reason});
  } else {
    local_.OnSilent(now.monotonic);
    Step(HostSilent{news.host});
  }
}

void Coordinator::Apply(Proposed& proposed) {
  Step(proposed);
}

void Coordinator::Apply(BackupMade& backup) {
  Step(backup);
}

void Coordinator::Apply(ControlNews& news) {
  if (const auto* said = std::get_if<ClientSaid>(&news)) return Said(*said);
  if (const auto* left = std::get_if<ClientLeft>(&news)) return desk_.Left(left->client);
  if (std::get<SignalArrived>(news).number == SIGHUP) return observer_.OnHangUp();
  interrupted_ = true;
}

void Coordinator::Heard(FromHost& message) {
  constexpr int kHost = 0;
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    if (!is_met_ && welcome->facts.epoch_seen >= epoch_) {
      return PassEpoch(welcome->facts.epoch_seen);
    }
    is_met_ = true;
    local_.OnUp();
    Step(HostUp{kHost, std::move(welcome->facts), std::move(welcome->found)});
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    if (!is_met_ && refused->epoch_seen >= epoch_) return PassEpoch(refused->epoch_seen);
    const bool can_be_mended = !refused->hint.empty();
    throw Error(fmt::format("this host refuses us: {}", refused->reason), options_.store_folder,
                can_be_mended ? refused->hint : "watch the later one, or end it",
                can_be_mended ? ErrorKind::kUsage : ErrorKind::kInfrastructure);
  } else if (auto* started = std::get_if<Started>(&message)) {
    Step(
        RankStarted{kHost, std::move(started->record), std::chrono::milliseconds(started->age_ms)});
  } else if (auto* busy = std::get_if<SlotBusy>(&message)) {
    Step(RankSlotBusy{kHost, std::move(*busy)});
  } else if (auto* metrics = std::get_if<Metrics>(&message)) {
    Step(MetricsArrived{kHost, std::move(*metrics)});
  } else if (auto* exited = std::get_if<Exited>(&message)) {
    Step(RankExited{kHost, std::move(exited->record)});
  } else if (auto* changed = std::get_if<FactsChanged>(&message)) {
    Step(HostChanged{kHost, std::move(changed->facts)});
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    observer_.OnSay({}, notice->text);
    desk_.Say({}, notice->text);
  }
}

// A host that was never met and has seen our epoch: the database was restored from a copy. We hold
// the store's lock, so nobody else is its coordinator. One that was met before and refuses us now
// has a later coordinator: that is the fence, and stays.
void Coordinator::PassEpoch(std::uint64_t seen) {
  epoch_ = seen + 1;
  const std::string text = fmt::format(
      "the database is older than this host's trials (epoch {} was seen): trials that it does not "
      "know run again",
      seen);
  observer_.OnSay({}, text);
  desk_.Say({}, text);
  Step(EpochPassed{epoch_});
  Settle();
  local_.GreetAgain(epoch_);
}

void Coordinator::Said(const ClientSaid& said) {
  try {
    const ControlWord word = DecodeWord(said.line);
    std::visit([&](const auto& alternative) { Obey(said.client, alternative); }, word);
  } catch (const Error& problem) {
    desk_.Reply(said.client, false, problem.what());
  }
}

void Coordinator::Obey(std::uint64_t client, const OpenWord& word) {
  const OpenedSweep opened = Open(word.request);
  desk_.Watch(client, opened.sweep);
  desk_.Reply(client, true, opened.went_on ? "goes on" : "begun");
  if (opened.is_over) desk_.Ended({opened.sweep, opened.outcome, "it had ended before"});
}

void Coordinator::Obey(std::uint64_t client, const WatchWord& word) {
  const SweepId sweep = Named(word.sweep);
  if (!sweep) return desk_.Reply(client, false, fmt::format("no sweep \"{}\" here", word.sweep));
  desk_.Watch(client, sweep);
  desk_.Reply(client, true, "watching");
  const auto ended = ended_.find(sweep);
  if (ended != ended_.end()) desk_.Ended(ended->second);
}

void Coordinator::Obey(std::uint64_t client, const ActWord& word) {
  UserAsked acts = word.acts;
  acts.sweep = Named(word.sweep);
  if (!acts.sweep) return desk_.Reply(client, false, fmt::format("no sweep \"{}\"", word.sweep));
  acts.request = ++last_request_;
  desk_.ExpectAnswer(acts.request, client);
  Step(acts);
}

// ---- what is to be done ----------------------------------------------------------------------

void Coordinator::Do(CommitChange&) {}  // done already, before anything else of the turn

void Coordinator::Do(AskSearch& action) {
  search_.Ask(action);
}

void Coordinator::Do(SendToHost& action) {
  local_.Send(std::move(action.message));
}

void Coordinator::Do(Answer& action) {
  if (!desk_.Deliver(action)) own_answer_ = std::move(action);
}

void Coordinator::Do(Say& action) {
  observer_.OnSay(action.sweep, action.text);
  desk_.Say(action.sweep, action.text);
}

void Coordinator::Do(SweepEnded& action) {
  ended_[action.sweep] = action;
  ShowProgress(true);
  desk_.Ended(action);
}

}  // namespace ddl
