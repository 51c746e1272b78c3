// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/host_programs.h"

#include <utility>

#include "tests/simulation/describe.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;

}  // namespace

void HostPrograms::Connect(int connection, const Hello& hello) {
  auto agent = std::make_unique<AgentProcess>(machine_, disk_, *this, connection);
  agent->epoch = hello.epoch;
  agents_[connection] = std::move(agent);
  Turn(connection, false, [&hello](AgentCore& core) { core.Heard(hello); });
}

void HostPrograms::Receive(int connection, const ToHost& message) {
  if (!agents_.contains(connection)) return;
  around_.trace.Note(around_.agenda.Now(), machine_.Name(), "hears {}", Describe(message));
  const auto* launch = std::get_if<Launch>(&message);
  const bool is_again = launch != nullptr && disk_.jobs.contains(launch->record.id);
  if (is_again) around_.tally.Count(Probe::kStartedTwiceRefused);
  if (const auto* adopt = std::get_if<Adopt>(&message)) CountAdoption(adopt->id);
  Turn(connection, false, [&message](AgentCore& core) {
    if (core.MayBeHeard()) core.Heard(message);
  });
  const bool is_ahead = launch != nullptr && !is_again && last_started_ != launch->record.id;
  if (is_ahead && agents_.contains(connection)) around_.tally.Count(Probe::kLaunchedAhead);
}

void HostPrograms::CountAdoption(RankId id) {
  const auto job = disk_.jobs.find(id);
  if (job == disk_.jobs.end()) return;
  const bool is_alive = job->second.start && machine_.IsAlive(job->second.start->supervisor);
  around_.tally.Count(job->second.exit ? Probe::kAdoptedExited
                      : is_alive       ? Probe::kAdoptedAlive
                                       : Probe::kAdoptedLost);
}

void HostPrograms::LinkEnded(int connection) {
  Turn(connection, false, [](AgentCore& core) { core.LinkEnded(); });
}

void HostPrograms::Turn(int connection, bool is_idle,
                        const std::function<void(AgentCore&)>& facts) {
  const auto found = agents_.find(connection);
  if (found == agents_.end() || !machine_.IsOn()) return;
  AgentProcess& agent = *found->second;
  if (!is_idle) agent.may_sleep = false;
  if (agent.Turn(is_idle, facts)) return PlanTurn(connection, agent);
  agents_.erase(found);
  machine_.Hang(connection);
}

// The real one looks around five times a second. Here it does when there is something to see: a
// host whose programs, files and time-outs have not changed shows what it has shown before.
void HostPrograms::PlanTurn(int connection, AgentProcess& agent) {
  constexpr milliseconds kLookEvery{200};
  const milliseconds within = agent.TurnWithin();
  if (agent.has_turn || (agent.may_sleep && within >= kLookEvery)) return;
  agent.has_turn = true;
  const Time delay =
      within < kLookEvery ? within * around_.dice.Between(1, 6) : Time(within) + around_.Moment();
  around_.agenda.After(delay, [this, connection] {
    const auto found = agents_.find(connection);
    if (found == agents_.end()) return;
    found->second->has_turn = false;
    found->second->may_sleep = true;
    Turn(connection, true, [](AgentCore&) {});
  });
}

void HostPrograms::WakeAgents() {
  for (auto& [connection, agent] : agents_) {
    agent->may_sleep = false;
    PlanTurn(connection, *agent);
  }
}

// A line is read by one of those who have the pipe open, and by nobody where nobody has.
void HostPrograms::Ring(const BellLine& line) {
  WakeAgents();
  around_.agenda.After(around_.Moment(), [this, line] {
    std::vector<int> listeners;
    for (const auto& [connection, agent] : agents_) {
      if (agent->HearsBell()) listeners.push_back(connection);
    }
    if (listeners.empty()) return;
    const int listener = listeners.size() == 1 ? listeners.front() : around_.dice.Pick(listeners);
    Turn(listener, false, [&line](AgentCore& core) {
      core.Rang(line);
      core.StartQueued();
    });
  });
}

// Agents look at their devices every half minute.
void HostPrograms::DevicesChanged() {
  around_.agenda.After(around_.dice.Spread(milliseconds(1), std::chrono::seconds(30)), [this] {
    std::vector<int> connections;
    for (const auto& [connection, agent] : agents_)
      connections.push_back(connection);
    for (const int connection : connections)
      Turn(connection, false, [this](AgentCore& core) { core.Looked(machine_.Facts()); });
  });
}

// ---- supervisors -----------------------------------------------------------------------------

pid_t HostPrograms::StartSupervisor(int connection, const LaunchRecord& record,
                                    std::uint64_t epoch_mark) {
  const ProcessIdentity identity =
      machine_.Spawn(ProcessKind::kSupervisor, record.id, record.token);
  parents_[identity.pid] = connection;
  last_started_ = record.id;
  supervisors_[identity.pid] =
      std::make_unique<SupervisorProcess>(machine_, disk_, *this, record, identity, epoch_mark);
  TurnLater(identity, around_.Moment(), [](SupervisorCore&) {});
  return static_cast<pid_t>(identity.pid);
}

void HostPrograms::Wake(const ProcessIdentity& supervisor) {
  TurnLater(supervisor, around_.Moment(), [](SupervisorCore& core) { core.Woken(); });
}

SupervisorProcess* HostPrograms::Find(const ProcessIdentity& supervisor) {
  const auto found = supervisors_.find(supervisor.pid);
  const bool is_it = found != supervisors_.end() && found->second->Identity() == supervisor &&
                     machine_.IsAlive(supervisor);
  return is_it ? found->second.get() : nullptr;
}

void HostPrograms::TurnLater(const ProcessIdentity& supervisor, Time delay,
                             std::function<void(SupervisorCore&)> facts) {
  around_.agenda.After(delay, [this, supervisor, facts = std::move(facts)] {
    if (SupervisorProcess* process = Find(supervisor)) Turn(*process, facts);
  });
}

// What comes while it takes a step waits until that is done.
void HostPrograms::Turn(SupervisorProcess& supervisor,
                        const std::function<void(SupervisorCore&)>& facts) {
  const ProcessIdentity identity = supervisor.Identity();
  const auto delay = supervisor.Turn(facts);
  if (!delay) return SupervisorEnded(identity);
  const std::uint64_t turn = supervisor.turns;
  around_.agenda.After(*delay, [this, identity, turn] {
    SupervisorProcess* process = Find(identity);
    if (process != nullptr && process->turns == turn) Turn(*process, [](SupervisorCore&) {});
  });
}

// Its parent learns it from the kernel, where that still is; init takes all others.
void HostPrograms::SupervisorEnded(ProcessIdentity supervisor) {
  supervisors_.erase(supervisor.pid);
  const auto parent = parents_.find(supervisor.pid);
  const bool is_child = parent != parents_.end();
  is_child ? machine_.EndChild(supervisor) : machine_.End(supervisor);
  WakeAgents();
  if (!is_child) return;
  const int connection = parent->second;
  parents_.erase(parent);
  around_.agenda.After(around_.Moment(), [this, connection, supervisor] {
    machine_.Reap(supervisor);
    Turn(connection, false, [&supervisor](AgentCore& core) {
      core.ChildEnded(static_cast<pid_t>(supervisor.pid));
      core.StartQueued();
    });
  });
}

void HostPrograms::TrialStarted(std::int64_t trial, const ProcessIdentity& supervisor) {
  trials_[trial] = supervisor;
}

void HostPrograms::TrialReported(std::int64_t pid, double value) {
  const auto trial = trials_.find(pid);
  SupervisorProcess* supervisor = trial == trials_.end() ? nullptr : Find(trial->second);
  if (supervisor == nullptr) return;  // nobody reads the pipe
  supervisor->TrialReported(value);
  if (!supervisor->HasSteps()) Turn(*supervisor, [](SupervisorCore&) {});
}

void HostPrograms::TrialEnded(std::int64_t pid, int exit_code, int signal) {
  const auto trial = trials_.find(pid);
  if (trial == trials_.end()) return;
  const ProcessIdentity supervisor = trial->second;
  trials_.erase(trial);
  SupervisorProcess* process = Find(supervisor);
  if (process == nullptr) return;
  process->TrialEnded(signal != 0 ? signal : exit_code << 8);
  TurnLater(supervisor, around_.Moment(), [](SupervisorCore&) {});
}

// What is left of the folders after a boot, and nothing of the rest.
void HostPrograms::Booted(bool power_was_lost) {
  trials_.clear();
  supervisors_.clear();
  parents_.clear();
  agents_.clear();
  if (!power_was_lost) return;
  Random& dice = around_.dice;
  for (auto entry = disk_.jobs.begin(); entry != disk_.jobs.end();) {
    JobFiles& files = entry->second;
    // Without its exit record a rank looks like one whose supervisor died.
    if (dice.Chance(500'000)) files.exit.reset();
    if (!files.exit) machine_.Truth().SupervisorDied(entry->first.job);
    if (dice.Chance(200'000)) files.start.reset();
    if (dice.Half()) files.orders.clear();
    if (dice.Half()) {
      files.spool.resize(static_cast<std::size_t>(dice.Between(0, std::ssize(files.spool))));
    }
    const bool is_gone = dice.Chance(100'000);
    if (is_gone) machine_.Truth().SupervisorDied(entry->first.job);
    machine_.Truth().SpoolCut(entry->first.job, is_gone ? 0 : files.spool.size());
    entry = is_gone ? disk_.jobs.erase(entry) : std::next(entry);
  }
}

}  // namespace ddl::simulation
