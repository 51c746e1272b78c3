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
  if (found == agents_.end()) return;
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

pid_t HostPrograms::StartSupervisor(int connection, const LaunchRecord& record) {
  const RankId id = record.id;
  const ProcessIdentity supervisor = machine_.Spawn(ProcessKind::kSupervisor, id, record.token);
  parents_[supervisor.pid] = connection;
  last_started_ = id;
  Next(supervisor, id, around_.Moment(), [this, supervisor, record] { Claim(supervisor, record); });
  return static_cast<pid_t>(supervisor.pid);
}

void HostPrograms::Wake(const ProcessIdentity& supervisor) {
  around_.agenda.After(around_.Moment(), [this, supervisor] {
    if (!machine_.IsAlive(supervisor)) return;
    for (const auto& [id, known] : supervisors_) {
      if (known.identity == supervisor) return Obey(id);
    }
  });
}

// Its parent learns it from the kernel, where that still is; init takes all others.
void HostPrograms::SupervisorEnded(const ProcessIdentity& supervisor) {
  machine_.End(supervisor);
  WakeAgents();
  const auto parent = parents_.find(supervisor.pid);
  if (parent == parents_.end()) return;
  const int connection = parent->second;
  parents_.erase(parent);
  around_.agenda.After(around_.Moment(), [this, connection, pid = supervisor.pid] {
    Turn(connection, false, [pid](AgentCore& core) {
      core.ChildEnded(static_cast<pid_t>(pid));
      core.StartQueued();
    });
  });
}

}  // namespace ddl::simulation
