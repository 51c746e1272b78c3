// SPDX-License-Identifier: Apache-2.0
// Supervisors: claim the folder, lease, write the start, run, append the spool, write the exit.
#include "tests/simulation/model_host.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "configs/planted_bugs.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;

constexpr Time kTryDiskAgain = milliseconds(100);
constexpr Time kBell = milliseconds(5);
constexpr Time kAgentLooks = milliseconds(200);

}  // namespace

// The next step of a supervisor, unless it is killed before.
template <class Step>
void ModelHost::Next(const ProcessIdentity& supervisor, RankId id, Time delay, Step step) {
  around_.agenda.After(delay, [this, supervisor, id, step = std::move(step)] {
    if (!machine_.IsAlive(supervisor)) return;
    if (around_.Strikes(Fault::kSupervisorCrash)) return KillSupervisor(supervisor, id);
    step();
  });
}

void ModelHost::KillSupervisor(const ProcessIdentity& supervisor, RankId id) {
  around_.trace.Note(around_.agenda.Now(), machine_.Name(), "supervisor of job {} is killed",
                     id.job.value);
  machine_.Truth().SupervisorDied(id.job);
  machine_.End(supervisor);
  LookLater(id, kAgentLooks);
}

void ModelHost::Start(int connection, LaunchRecord record) {
  const RankId id = record.id;
  agents_.at(connection).ranks[id] = {record.token, record.slots};
  const ProcessIdentity supervisor = machine_.Spawn(ProcessKind::kSupervisor, id, record.token);
  Next(supervisor, id, around_.Moment(),
       [this, supervisor, record = std::move(record)] { Claim(supervisor, record); });
}

void ModelHost::Claim(const ProcessIdentity& supervisor, LaunchRecord record) {
  const RankId id = record.id;
  if (folders_.contains(id)) {
    around_.tally.Count(Probe::kStartedTwiceRefused);
    if (PlantedBug(Bug::kStartTwice)) (void)machine_.StartTrial(record);
    return machine_.End(supervisor);
  }
  if (machine_.IsDiskFull()) return Refuse(id, supervisor, "no space left on device");
  SlotBusy busy{id, record.token, {}, {}, {}};
  if (!PlantedBug(Bug::kSkipLease)) {
    if (const auto holder = machine_.Lease(id, record.slots, busy)) {
      around_.tally.Count(Probe::kSlotBusy);
      busy.holder = *holder;
      machine_.End(supervisor);
      for (auto& [connection, agent] : agents_) {
        const auto rank = agent.ranks.find(id);
        if (rank == agent.ranks.end()) continue;
        rank->second.ended = true;
        machine_.Say(connection, busy);
        StartQueued(connection);
      }
      return;
    }
  }
  Folder& folder = folders_[id];
  folder.record = std::move(record);
  folder.supervisor = supervisor;
  Next(supervisor, id, around_.Moment(), [this, id] { WriteStart(id); });
}

void ModelHost::Refuse(RankId id, ProcessIdentity supervisor, const std::string& why) {
  folders_.erase(id);
  machine_.Release(id);
  machine_.End(supervisor);
  for (auto& [connection, agent] : agents_) {
    const auto rank = agent.ranks.find(id);
    if (rank != agent.ranks.end()) End(connection, id, rank->second, EndCause::kLaunchRefused, why);
  }
}

void ModelHost::WriteStart(RankId id) {
  Folder& folder = folders_.at(id);
  if (machine_.IsDiskFull()) return Refuse(id, folder.supervisor, "no space left on device");
  folder.start = StartRecord{id, folder.record.token, folder.supervisor, 0, machine_.UnixMs()};
  Next(folder.supervisor, id, around_.Moment(), [this, id] { Execute(id); });
}

void ModelHost::Execute(RankId id) {
  Folder& folder = folders_.at(id);
  // An order that came before there was anything to stop.
  if (!folder.orders.empty()) {
    folder.forced = EndCause::kStopped;
    return WriteExit(id, 0, 0);
  }
  folder.began = around_.agenda.Now();
  const auto pid = machine_.StartTrial(folder.record);
  if (!pid) {
    folder.forced = EndCause::kCouldNotStart;
    return WriteExit(id, 0, 0);
  }
  trial_pids_[*pid] = id;
  folder.start->pid = *pid;
  folder.start->started_unix_ms = machine_.UnixMs();
  TellStart(id);
  LookLater(id, kBell);
  if (!folder.record.timeout) return;
  Next(folder.supervisor, id, *folder.record.timeout, [this, id] { KeepTimeout(id); });
}

void ModelHost::KeepTimeout(RankId id) {
  const Folder& folder = folders_.at(id);
  if (!folder.exit && around_.agenda.Now() - folder.began >= *folder.record.timeout) {
    Stop(id, EndCause::kTimedOut, false);
  }
}

void ModelHost::ClockStepped() {
  if (!PlantedBug(Bug::kWallClockTimeout)) return;
  for (auto& [id, folder] : folders_) {
    const bool runs = folder.start && folder.start->pid != 0 && !folder.exit;
    if (!runs || !folder.record.timeout || !machine_.IsAlive(folder.supervisor)) continue;
    const milliseconds since(machine_.UnixMs() - folder.start->started_unix_ms);
    if (since >= *folder.record.timeout) Stop(id, EndCause::kTimedOut, false);
  }
}

void ModelHost::Obey(RankId id) {
  Folder& folder = folders_.at(id);
  if (folder.orders.empty() || !folder.start || folder.start->pid == 0 || folder.exit) return;
  Stop(id, EndCause::kStopped, folder.orders.back() == OrderKind::kKill);
}

// TERM now, KILL after the grace. The first reason stands.
void ModelHost::Stop(RankId id, EndCause cause, bool at_once) {
  Folder& folder = folders_.at(id);
  const std::int64_t pid = folder.start->pid;
  if (!trial_pids_.contains(pid) || trial_pids_.at(pid) != id) return;  // it has just ended
  if (!folder.forced) folder.forced = cause;
  const Time grace = folder.record.grace;
  const ProcessIdentity supervisor = folder.supervisor;
  machine_.Signal(pid, at_once);
  if (at_once) return;
  Next(supervisor, id, grace, [this, id, pid] {
    const auto trial = trial_pids_.find(pid);
    if (trial != trial_pids_.end() && trial->second == id) machine_.Signal(pid, true);
  });
}

void ModelHost::TrialReported(std::int64_t pid, double value) {
  const RankId id = trial_pids_.at(pid);
  Folder& folder = folders_.at(id);
  if (!machine_.IsAlive(folder.supervisor)) return;  // nobody reads the pipe
  const auto seq = std::ssize(folder.spool) + std::ssize(folder.unwritten) + 1;
  const auto since = around_.agenda.Now() - folder.began;
  folder.unwritten.push_back(
      {seq, seq, std::chrono::duration_cast<milliseconds>(since).count(), {}, {{"loss", value}}});
  if (folder.unwritten.size() == 1) WriteSpool(id);
}

void ModelHost::WriteSpool(RankId id) {
  Folder& folder = folders_.at(id);
  if (machine_.IsDiskFull()) {
    return Next(folder.supervisor, id, kTryDiskAgain, [this, id] { WriteSpool(id); });
  }
  for (MetricReport& report : std::exchange(folder.unwritten, {})) {
    machine_.Truth().Spooled(id.job, report.values.front().second);
    folder.spool.push_back(std::move(report));
  }
  LookLater(id, kBell);
}

void ModelHost::TrialEnded(std::int64_t pid, int exit_code, int signal) {
  const RankId id = trial_pids_.at(pid);
  trial_pids_.erase(pid);
  const ProcessIdentity supervisor = folders_.at(id).supervisor;
  Next(supervisor, id, around_.Moment(),
       [this, id, exit_code, signal] { WriteExit(id, exit_code, signal); });
}

void ModelHost::WriteExit(RankId id, int exit_code, int signal) {
  Folder& folder = folders_.at(id);
  if (machine_.IsDiskFull() || !folder.unwritten.empty()) {
    return Next(folder.supervisor, id, kTryDiskAgain,
                [this, id, exit_code, signal] { WriteExit(id, exit_code, signal); });
  }
  ExitRecord record;
  record.id = id;
  record.token = folder.record.token;
  record.exit_code = exit_code;
  record.signal = signal;
  record.cause = signal != 0 ? EndCause::kSignaled : EndCause::kExited;
  if (folder.forced) record.cause = *folder.forced;
  record.ended_unix_ms = machine_.UnixMs();
  if (folder.start->pid != 0) {
    const auto wall = around_.agenda.Now() - folder.began;
    record.wall_ms = std::chrono::duration_cast<milliseconds>(wall).count();
  }
  record.last_seq = std::ssize(folder.spool);
  if (!folder.spool.empty()) record.metric_names = {"loss"};
  folder.exit = record;
  machine_.Release(id);
  const ProcessIdentity supervisor = folder.supervisor;
  machine_.End(supervisor);
  LookLater(id, kBell);
}

// What is left of the folders after a boot, and nothing of the rest.
void ModelHost::Booted(bool power_was_lost) {
  trial_pids_.clear();
  agents_.clear();
  if (!power_was_lost) return;
  Random& dice = around_.dice;
  for (auto entry = folders_.begin(); entry != folders_.end();) {
    Folder& folder = entry->second;
    folder.unwritten.clear();
    // Without its exit record a rank looks like one whose supervisor died.
    if (dice.Chance(500'000)) folder.exit.reset();
    if (!folder.exit) machine_.Truth().SupervisorDied(entry->first.job);
    if (dice.Chance(200'000)) folder.start.reset();
    if (dice.Half()) folder.orders.clear();
    if (dice.Half()) {
      folder.spool.resize(static_cast<std::size_t>(dice.Between(0, std::ssize(folder.spool))));
    }
    const bool is_gone = dice.Chance(100'000);
    if (is_gone) machine_.Truth().SupervisorDied(entry->first.job);
    machine_.Truth().SpoolCut(entry->first.job, is_gone ? 0 : folder.spool.size());
    entry = is_gone ? folders_.erase(entry) : std::next(entry);
  }
}

}  // namespace ddl::simulation
