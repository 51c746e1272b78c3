// SPDX-License-Identifier: Apache-2.0
// What the coordinator does with what it hears, and with what the core orders.
#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "scheduler/coordinator.h"
#include "scheduler/outside.h"

namespace ddl {

// ---- what happened ---------------------------------------------------------------------------

void Coordinator::Apply(HostNews& news) {
  HostLink& host = hosts_.at(static_cast<std::size_t>(news.host));
  if (auto* message = std::get_if<FromHost>(&news.what)) {
    host.OnHeard();
    Heard(news.host, *message);
  } else if (const auto* down = std::get_if<LinkDown>(&news.what)) {
    Down(news.host, *down);
  } else {
    host.OnSilent(Clock().monotonic);
    Step(HostSilent{news.host});
  }
}

void Coordinator::Apply(Proposed& proposed) {
  Step(proposed);
}

void Coordinator::Apply(BackupMade& backup) {
  Step(backup);
}

void Coordinator::Apply(CheckpointFetched& fetched) {
  Step(fetched);
}

void Coordinator::Apply(ControlNews& news) {
  if (const auto* said = std::get_if<ClientSaid>(&news)) return Said(*said);
  if (const auto* left = std::get_if<ClientLeft>(&news)) return desk_.Left(left->client);
  if (std::get<SignalArrived>(news).number == SIGHUP) return observer_.OnHangUp();
  interrupted_ = true;
}

void Coordinator::Heard(int host, FromHost& message) {
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    Greeted(host, *welcome);
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    Refuses(host, *refused);
  } else if (auto* started = std::get_if<Started>(&message)) {
    Step(RankStarted{host, std::move(started->record), std::chrono::milliseconds(started->age_ms)});
  } else if (auto* busy = std::get_if<SlotBusy>(&message)) {
    Step(RankSlotBusy{host, std::move(*busy)});
  } else if (auto* metrics = std::get_if<Metrics>(&message)) {
    Step(MetricsArrived{host, std::move(*metrics)});
  } else if (auto* exited = std::get_if<Exited>(&message)) {
    Step(RankExited{host, std::move(exited->record)});
  } else if (auto* changed = std::get_if<FactsChanged>(&message)) {
    Step(HostChanged{host, std::move(changed->facts)});
  } else if (const auto* code = std::get_if<CodeNews>(&message)) {
    HeardOfCode(host, *code);
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    SayToAll(notice->text);
  }
}

void Coordinator::Greeted(int number, Welcome& welcome) {
  HostLink& host = hosts_.at(static_cast<std::size_t>(number));
  if (!host.IsMet() && welcome.facts.epoch_seen >= epoch_) {
    return PassEpoch(host, welcome.facts.epoch_seen);
  }
  host.OnUp();
  refusals_.erase(host.Name());
  code_.Up(number);
  Step(HostUp{number, std::move(welcome.facts), std::move(welcome.found), host.Name()});
}

// This machine's own refusal ends the command; another host's concerns that host alone.
void Coordinator::Refuses(int number, const Refused& refused) {
  HostLink& host = hosts_.at(static_cast<std::size_t>(number));
  if (!host.IsMet() && refused.epoch_seen >= epoch_) return PassEpoch(host, refused.epoch_seen);
  const bool can_be_mended = !refused.hint.empty();
  const std::string hint = can_be_mended ? refused.hint : "watch the later one, or end it";
  if (number != 0) return Down(number, {"it refuses us: " + refused.reason, hint});
  throw Error(fmt::format("this host refuses us: {}", refused.reason), options_.store_folder, hint,
              can_be_mended ? ErrorKind::kUsage : ErrorKind::kInfrastructure);
}

// A host that was never met and has seen our epoch: the database was restored from a copy. We hold
// the store's lock, so nobody else is its coordinator. One that was met before and refuses us now
// has a later coordinator: that is the fence, and stays.
void Coordinator::PassEpoch(HostLink& host, std::uint64_t seen) {
  epoch_ = seen + 1;
  SayToAll(fmt::format(
      "the database is older than this host's trials (epoch {} was seen): trials that it does not "
      "know run again",
      seen));
  Step(EpochPassed{epoch_});
  Settle();
  for (HostLink& other : hosts_) {
    other.SetEpoch(epoch_);
  }
  host.GreetAgain();
}

// Of a host that was up, the core tells whom it concerns.
void Coordinator::Down(int number, const LinkDown& down) {
  HostLink& host = hosts_.at(static_cast<std::size_t>(number));
  const std::string name = host.Name();
  const bool was_up = host.IsUp();
  const bool is_met = host.IsMet();
  host.OnDown(Clock().monotonic, !down.hint.empty() && number != 0);
  code_.Down(number);
  Step(HostDown{number, down.reason});
  if (was_up || number == 0) return;
  const Error refusal(down.reason, name, down.hint, ErrorKind::kInfrastructure);
  const auto known = refusals_.find(name);
  if (known == refusals_.end() || known->second.Message() != down.reason) {
    SayToAll(fmt::format("host {}: {}{}{}", core_.TitleOf(name), down.reason,
                         down.hint.empty() ? "" : "; ", down.hint));
  }
  refusals_.insert_or_assign(name, refusal);
  if (!is_met) RefuseTheHopeless();
}

// Sweeps of which no host can be used before somebody has seen to it would wait for ever.
void Coordinator::RefuseTheHopeless() const {
  const Error* first = nullptr;
  for (const auto& [sweep, names] : hosts_of_) {
    if (ended_.contains(sweep)) continue;
    for (const std::string& name : names) {
      const auto refusal = refusals_.find(name);
      const auto host = std::ranges::find(hosts_, name, &HostLink::Name);
      const bool needs_user = refusal != refusals_.end() && !refusal->second.Hint().empty();
      if (!needs_user || host->IsMet()) return;
      if (first == nullptr) first = &refusal->second;
    }
  }
  if (first != nullptr) throw Error(*first);
}

void Coordinator::SayToAll(const std::string& text) {
  observer_.OnSay({}, text);
  desk_.Say({}, text);
}

void Coordinator::Said(const ClientSaid& said) {
  try {
    const ControlWord word = DecodeWord(said.line);
    std::visit([&](const auto& alternative) { Obey(said.client, alternative); }, word);
  } catch (const Unsettled&) {
    throw;
  } catch (const Error& problem) {
    desk_.Refuse(said.client, problem);
  }
}

void Coordinator::Obey(std::uint64_t client, const OpenWord& word) {
  const OpenedSweep opened = Open(word.request);
  desk_.Watch(client, opened.sweep);
  desk_.Reply(client, true, opened.went_on ? "goes on" : "begun");
  if (opened.is_over) desk_.Ended({opened.sweep, opened.outcome, "it had ended before"});
}

void Coordinator::Obey(std::uint64_t client, const WatchWord& word) {
  std::optional<SweepEnded> end;
  SweepId sweep = FindOpen(word.sweep);
  if (sweep) {
    const auto ended = ended_.find(sweep);
    if (ended != ended_.end()) end = ended->second;
  } else if (const std::optional<SweepHistory> history = LoadNamed(word.sweep)) {
    RefuseOutside(*history);
    sweep = history->id;  // all that have not ended are open
    end = SweepEnded{sweep, history->outcome, history->reason};
  }
  if (!sweep) return desk_.Reply(client, false, fmt::format("no sweep \"{}\" here", word.sweep));
  desk_.Watch(client, sweep);
  desk_.Reply(client, true, "watching");
  if (end) desk_.Ended(*end);
}

void Coordinator::Obey(std::uint64_t client, const ActWord& word) {
  const UserAsked acts = Addressed(word);
  const bool needs_sweep = !IsOfHosts(acts.verb);
  if (!acts.sweep && needs_sweep) {
    return desk_.Reply(client, false, fmt::format("no sweep \"{}\"", word.sweep));
  }
  desk_.ExpectAnswer(acts.request, client);
  Step(acts);
  LearnHosts();
}

// ---- what is to be done ----------------------------------------------------------------------

void Coordinator::Do(CommitChange&) {}  // done already, before anything else of the turn

void Coordinator::Do(AskSearch& action) {
  search_.Ask(action);
}

void Coordinator::Do(TellSearch& action) {
  search_.Tell(action);
}

void Coordinator::Do(SendToHost& action) {
  hosts_.at(static_cast<std::size_t>(action.host)).Send(std::move(action.message));
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
  DropCode(action.sweep);
  ShowProgress(true);
  desk_.Ended(action);
}

}  // namespace ddl
