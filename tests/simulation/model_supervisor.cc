// SPDX-License-Identifier: Apache-2.0
// Supervisors: claim the folder, lease, write the start, run, append the spool, write the exit.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "tests/simulation/host_programs.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;

constexpr Time kTryDiskAgain = milliseconds(100);

}  // namespace

// The next step of a supervisor, unless it is killed before.
template <class Step>
void HostPrograms::Next(const ProcessIdentity& supervisor, RankId id, Time delay, Step step) {
  around_.agenda.After(delay, [this, supervisor, id, step = std::move(step)] {
    if (!machine_.IsAlive(supervisor)) return;
    if (around_.Strikes(Fault::kSupervisorCrash)) return KillSupervisor(supervisor, id);
    step();
  });
}

void HostPrograms::KillSupervisor(const ProcessIdentity& supervisor, RankId id) {
  around_.trace.Note(around_.agenda.Now(), machine_.Name(), "supervisor of job {} is killed",
                     id.job.value);
  machine_.Truth().SupervisorDied(id.job);
  supervisors_.erase(id);
  SupervisorEnded(supervisor);
}

void HostPrograms::Claim(const ProcessIdentity& supervisor, LaunchRecord record) {
  const RankId id = record.id;
  if (disk_.jobs.contains(id)) {
    around_.tally.Count(Probe::kStartedTwiceRefused);
    if (PlantedBug(Bug::kStartTwice)) (void)machine_.StartTrial(record);
    return SupervisorEnded(supervisor);
  }
  if (machine_.IsDiskFull()) {
    Ring({News::kRefused, id, record.token + " no space left on device"});
    return SupervisorEnded(supervisor);
  }
  SlotBusy busy{id, record.token, {}, {}, {}};
  if (!PlantedBug(Bug::kSkipLease)) {
    if (const auto holder = machine_.Lease(id, record.slots, busy)) {
      around_.tally.Count(Probe::kSlotBusy);
      busy.holder = *holder;
      disk_.busy[id] = busy;
      Ring({News::kBusy, id, {}});
      return SupervisorEnded(supervisor);
    }
  }
  (void)disk_.jobs[id];
  supervisors_[id] = {std::move(record), supervisor, 0, {}, {}, {}};
  Next(supervisor, id, around_.Moment(), [this, id] { WriteStart(id); });
}

void HostPrograms::Refuse(RankId id, ProcessIdentity supervisor, const std::string& why) {
  Ring({News::kRefused, id, supervisors_.at(id).record.token + " " + why});
  disk_.jobs.erase(id);
  supervisors_.erase(id);
  machine_.Release(id);
  SupervisorEnded(supervisor);
}

void HostPrograms::WriteStart(RankId id) {
  const Supervisor& own = supervisors_.at(id);
  if (machine_.IsDiskFull()) return Refuse(id, own.identity, "no space left on device");
  disk_.jobs.at(id).start = StartRecord{id, own.record.token, own.identity, 0, machine_.UnixMs()};
  Next(own.identity, id, around_.Moment(), [this, id] { Execute(id); });
}

void HostPrograms::Execute(RankId id) {
  Supervisor& own = supervisors_.at(id);
  JobFiles& files = disk_.jobs.at(id);
  own.began = around_.agenda.Now();
  const auto pid = machine_.StartTrial(own.record);
  if (!pid) {
    own.forced = EndCause::kCouldNotStart;
    return WriteExit(id, 0, 0);
  }
  trial_pids_[*pid] = id;
  own.trial = *pid;
  files.start->pid = *pid;
  files.start->started_unix_ms = machine_.UnixMs();
  Ring({News::kStarted, id, {}});
  if (own.record.timeout) {
    Next(own.identity, id, *own.record.timeout, [this, id] { KeepTimeout(id); });
  }
  Obey(id);  // what was ordered before there was anything to stop
}

void HostPrograms::KeepTimeout(RankId id) {
  const auto own = supervisors_.find(id);
  if (own == supervisors_.end()) return;
  if (around_.agenda.Now() - own->second.began >= *own->second.record.timeout) {
    Stop(id, EndCause::kTimedOut, false);
  }
}

void HostPrograms::ClockStepped() {
  if (!PlantedBug(Bug::kWallClockTimeout)) return;
  for (auto& [id, own] : supervisors_) {
    if (own.trial == 0 || !own.record.timeout || !machine_.IsAlive(own.identity)) continue;
    const milliseconds since(machine_.UnixMs() - disk_.jobs.at(id).start->started_unix_ms);
    if (since >= *own.record.timeout) Stop(id, EndCause::kTimedOut, false);
  }
}

void HostPrograms::Obey(RankId id) {
  const Supervisor& own = supervisors_.at(id);
  const JobFiles& files = disk_.jobs.at(id);
  if (files.orders.empty() || own.trial == 0 || files.exit) return;
  const bool kills = std::ranges::count(files.orders, OrderKind::kKill) > 0;
  if (kills) around_.tally.Count(Probe::kStrayKilled);
  Stop(id, EndCause::kStopped, kills);
}

// TERM now, KILL after the grace. The first reason stands.
void HostPrograms::Stop(RankId id, EndCause cause, bool at_once) {
  Supervisor& own = supervisors_.at(id);
  const std::int64_t pid = own.trial;
  if (!trial_pids_.contains(pid) || trial_pids_.at(pid) != id) return;  // it has just ended
  if (!own.forced) own.forced = cause;
  const Time grace = own.record.grace;
  const ProcessIdentity supervisor = own.identity;
  machine_.Signal(pid, at_once);
  if (at_once) return;
  Next(supervisor, id, grace, [this, id, pid] {
    const auto trial = trial_pids_.find(pid);
    if (trial != trial_pids_.end() && trial->second == id) machine_.Signal(pid, true);
  });
}

void HostPrograms::TrialReported(std::int64_t pid, double value) {
  const RankId id = trial_pids_.at(pid);
  const auto found = supervisors_.find(id);
  if (found == supervisors_.end()) return;  // nobody reads the pipe
  Supervisor& own = found->second;
  const auto seq = std::ssize(disk_.jobs.at(id).spool) + std::ssize(own.unwritten) + 1;
  const auto since = around_.agenda.Now() - own.began;
  own.unwritten.push_back(
      {seq, seq, std::chrono::duration_cast<milliseconds>(since).count(), {}, {{"loss", value}}});
  if (own.unwritten.size() == 1) WriteSpool(id);
}

void HostPrograms::WriteSpool(RankId id) {
  Supervisor& own = supervisors_.at(id);
  if (machine_.IsDiskFull()) {
    return Next(own.identity, id, kTryDiskAgain, [this, id] { WriteSpool(id); });
  }
  for (MetricReport& report : std::exchange(own.unwritten, {})) {
    machine_.Truth().Spooled(id.job, report.values.front().second);
    disk_.jobs.at(id).spool.push_back(std::move(report));
  }
  Ring({News::kMetrics, id, {}});
}

void HostPrograms::TrialEnded(std::int64_t pid, int exit_code, int signal) {
  const RankId id = trial_pids_.at(pid);
  trial_pids_.erase(pid);
  const auto own = supervisors_.find(id);
  if (own == supervisors_.end()) return;
  Next(own->second.identity, id, around_.Moment(),
       [this, id, exit_code, signal] { WriteExit(id, exit_code, signal); });
}

void HostPrograms::WriteExit(RankId id, int exit_code, int signal) {
  Supervisor& own = supervisors_.at(id);
  JobFiles& files = disk_.jobs.at(id);
  const ProcessIdentity supervisor = own.identity;
  if (machine_.IsDiskFull() || !own.unwritten.empty()) {
    return Next(supervisor, id, kTryDiskAgain,
                [this, id, exit_code, signal] { WriteExit(id, exit_code, signal); });
  }
  ExitRecord record;
  record.id = id;
  record.token = own.record.token;
  record.exit_code = exit_code;
  record.signal = signal;
  record.cause = signal != 0 ? EndCause::kSignaled : EndCause::kExited;
  if (own.forced) record.cause = *own.forced;
  record.ended_unix_ms = machine_.UnixMs();
  if (own.trial != 0) {
    const auto wall = around_.agenda.Now() - own.began;
    record.wall_ms = std::chrono::duration_cast<milliseconds>(wall).count();
  }
  record.last_seq = std::ssize(files.spool);
  if (!files.spool.empty()) record.metric_names = {"loss"};
  files.exit = record;
  machine_.Release(id);
  supervisors_.erase(id);
  Ring({News::kExited, id, {}});
  SupervisorEnded(supervisor);
}

// What is left of the folders after a boot, and nothing of the rest.
void HostPrograms::Booted(bool power_was_lost) {
  trial_pids_.clear();
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
