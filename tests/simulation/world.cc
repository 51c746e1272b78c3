// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tests/simulation/host_programs.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

World::World(const Options& options)
    : around_(MakeScenario(options), options.prints_trace),
      store_([](std::string_view rule, const std::string& text) {
        Surroundings::Violate(rule, text);
      }),
      witness_(around_, store_) {
  for (const HostPlan& plan : around_.scenario.hosts) {
    machines_.push_back(std::make_unique<Machine>(
        around_, witness_, plan,
        [this](int connection, FromHost message) { Say(connection, std::move(message)); },
        [this](int connection) { AgentHangs(connection); }));
    programs_.push_back(std::make_unique<HostPrograms>(*machines_.back()));
    machines_.back()->Install(*programs_.back());
  }
  for (const SweepPlan& plan : around_.scenario.sweeps)
    specs_.push_back(plan.spec);
}

Outcome World::Run() {
  Outcome outcome;
  const Time begin = around_.agenda.Now();
  try {
    StartLoop();
    PlanUser();
    PlanChaos();
    if (around_.scenario.is_fleet) KeepATenthFailing();
    Patrol();
    around_.agenda.After(around_.scenario.chaos, [this] { Heal(); });
    RunUntilOver();
    CheckEnd();
  } catch (const Violation& violation) {
    outcome.violation = violation;
  }
  outcome.hash = around_.trace.Hash();
  outcome.tally = around_.tally;
  outcome.tally.seeds = 1;
  const std::chrono::duration<double, std::ratio<3600>> hours = around_.agenda.Now() - begin;
  outcome.tally.hours = hours.count();
  return outcome;
}

void World::RunUntilOver() {
  const Time patience = Patience();
  progress_at_ = around_.agenda.Now();
  constexpr int kSpins = 1'000'000;  // events of one moment
  int in_a_moment = 0;
  while (around_.is_chaos || !IsOver()) {
    const Time before = around_.agenda.Now();
    (void)around_.agenda.RunNext();
    in_a_moment = around_.agenda.Now() == before ? in_a_moment + 1 : 0;
    if (in_a_moment > kSpins) Surroundings::Violate("nobody spins", "no time passes any more");
    if (around_.is_chaos || store_.commits != commits_seen_) {
      commits_seen_ = store_.commits;
      progress_at_ = around_.agenda.Now();
    }
    if (around_.agenda.Now() - progress_at_ > patience + MostLostAfter()) {
      Surroundings::Violate("all that can end ends", "nothing happens any more");
    }
  }
}

// So long may nothing happen.
Time World::Patience() const {
  return around_.scenario.trial_wall * 40 + minutes(30);
}

bool World::IsOver() const {
  return !away_ && !loops_.empty() && loops_.back()->IsAlive() && loops_.back()->AllEnded() &&
         asked_for_.size() == specs_.size() && !witness_.IsAnyAlive() &&
         store_.UnfinishedSweeps().empty();
}

void World::CheckEnd() {
  witness_.CheckAll();
  for (const auto& [id, sweep] : store_.Sweeps()) {
    if (sweep.last.outcome != SweepOutcome::kAllDone) continue;
    std::int64_t ended = 0;
    for (const auto& [trial_id, trial] : store_.Trials()) {
      ended += trial.added.sweep == id && IsEnded(trial.state) ? 1 : 0;
    }
    if (ended != *sweep.last.trials_planned) {
      Surroundings::Violate("no trial is lost",
                            fmt::format("{} of {} of {} have ended", ended,
                                        *sweep.last.trials_planned, sweep.added.name));
    }
  }
}

void World::StartLoop() {
  loops_.push_back(std::make_unique<Loop>(around_, store_, witness_, *this));
}

// ---- links -----------------------------------------------------------------------------------

Time World::Latency() {
  const Time drawn = around_.dice.Spread(std::chrono::microseconds(30), around_.scenario.latency);
  if (drawn > kUsualLatency) around_.tally.Count(Fault::kLinkDelay);
  return drawn;
}

int World::Connect(Loop& loop, int host, const Hello& hello) {
  const int id = static_cast<int>(connections_.size());
  connections_.push_back({.loop = &loop, .host = host});
  around_.trace.Note(around_.agenda.Now(), "link", "{} from epoch {} to host {}", id, loop.Epoch(),
                     host);
  around_.agenda.After(Latency(), [this, id, hello] {
    Connection& connection = connections_[static_cast<std::size_t>(id)];
    if (connection.loop == nullptr) return;
    Machine& machine = *machines_[static_cast<std::size_t>(connection.host)];
    if (!machine.IsOn() || away_ == connection.host)
      return TellDownLater(id, Latency(), "no route to host");
    connection.agent_listens = true;
    machine.Programs().Connect(id, hello);
  });
  return id;
}

void World::Send(int id, ToHost message) {
  Connection& connection = connections_[static_cast<std::size_t>(id)];
  if (!connection.to_host_works) return;
  const int copies = around_.Strikes(Fault::kDuplicate) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const Time now = around_.agenda.Now();
    connection.to_host_last = std::max(connection.to_host_last, now + Latency());
    around_.agenda.After(connection.to_host_last - now, [this, id, message] {
      const Connection& link = connections_[static_cast<std::size_t>(id)];
      if (!link.to_host_works) return;
      machines_[static_cast<std::size_t>(link.host)]->Programs().Receive(id, message);
    });
  }
}

void World::Say(int id, FromHost message) {
  Connection& connection = connections_[static_cast<std::size_t>(id)];
  if (!connection.from_host_works) return;
  const Time now = around_.agenda.Now();
  connection.from_host_last = std::max(connection.from_host_last, now + Latency());
  around_.agenda.After(connection.from_host_last - now, [this, id, message = std::move(message)] {
    const Connection& link = connections_[static_cast<std::size_t>(id)];
    if (link.loop == nullptr || !link.from_host_works || !link.loop->IsAlive()) return;
    link.loop->Heard(link.host, message);
  });
}

// The coordinator's end is gone. What it wrote before is read, or lost with the connection.
void World::Hang(int id) {
  Connection& connection = connections_[static_cast<std::size_t>(id)];
  connection.loop = nullptr;
  if (around_.dice.Half()) connection.to_host_works = false;
  EndAgentLater(id, Latency() + Latency());
}

void World::EndAgentLater(int id, Time delay) {
  around_.agenda.After(delay, [this, id] {
    Connection& connection = connections_[static_cast<std::size_t>(id)];
    if (!std::exchange(connection.agent_listens, false)) return;
    connection.to_host_works = false;
    machines_[static_cast<std::size_t>(connection.host)]->Programs().LinkEnded(id);
  });
}

// The agent has ended: what it said before is on its way.
void World::AgentHangs(int id) {
  Connection& connection = connections_[static_cast<std::size_t>(id)];
  connection.agent_listens = false;
  connection.to_host_works = false;
  TellDownLater(id, Latency() + Latency(), "its agent ended");
}

void World::TellDownLater(int id, Time delay, const std::string& why) {
  around_.agenda.After(delay, [this, id, why] {
    Connection& connection = connections_[static_cast<std::size_t>(id)];
    Loop* loop = std::exchange(connection.loop, nullptr);
    if (loop != nullptr) loop->LinkDown(connection.host, why);
  });
}

CheckpointFiles* World::FilesOf(int host) {
  Machine& machine = *machines_[static_cast<std::size_t>(host)];
  return machine.IsOn() && away_ != host ? &machine.Checkpoints() : nullptr;
}

void World::Ended(Loop&) {
  // The user starts it again, sooner or later.
  around_.agenda.After(around_.dice.Spread(milliseconds(10), seconds(120)), [this] {
    if (loops_.back()->IsAlive()) return;
    StartLoop();
    around_.agenda.After(around_.dice.Spread(milliseconds(1), seconds(60)), [this] {
      for (const std::size_t index : asked_for_)
        OpenSweep(index, false);
    });
  });
}

// ---- the end ---------------------------------------------------------------------------------

void World::Patrol() {
  const Time every = std::max<Time>(seconds(5), around_.scenario.trial_wall / 4);
  std::set<std::string> hands_free;
  for (std::size_t host = 0; host < machines_.size(); ++host) {
    const Loop& loop = *loops_.back();
    const bool is_up = loop.IsAlive() && !loop.IsStopped() && loop.IsUp(static_cast<int>(host)) &&
                       machines_[host]->IsOn() && !machines_[host]->IsDiskFull();
    if (!is_up) continue;
    const Connection& link =
        connections_[static_cast<std::size_t>(loop.ConnectionOf(static_cast<int>(host)))];
    if (link.to_host_works && link.from_host_works) hands_free.insert(machines_[host]->Name());
  }
  witness_.Patrol(every, hands_free);
  around_.agenda.After(every, [this] { Patrol(); });
}

void World::Heal() {
  around_.is_chaos = false;
  around_.trace.Note(around_.agenda.Now(), "world", "heals");
  for (const auto& machine : machines_)
    machine->SetDiskFull(false);
  if (loops_.back()->IsAlive()) loops_.back()->SetStopped(false);
  if (around_.scenario.away) SendAway(*around_.scenario.away);
  ResumeAll();
}

}  // namespace ddl::simulation
