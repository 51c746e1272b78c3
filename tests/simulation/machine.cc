// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "tests/simulation/overlap.h"

namespace ddl::simulation {

namespace {

constexpr std::int64_t kFirstPid = 300;
constexpr std::int64_t kMostDrift = 100'000;  // millionths, either way

}  // namespace

// What a trial does: a pure function of the seed and the job.
struct Machine::Script {
  Time wall{0};
  std::int64_t reports = 0;
  int exit_code = 0;
  int signal = 0;
  bool could_not_start = false;
  bool ignores_term = false;
  bool goes_on_after_term = false;  // it leaves with 75: there is a checkpoint

  Script(const Scenario& scenario, JobId job) {
    Random dice(scenario.seed ^ (static_cast<std::uint64_t>(job.value) << 20U));
    wall = dice.Spread(scenario.trial_wall / 8, scenario.trial_wall * 4);
    reports = dice.Pick(std::vector<std::int64_t>{0, 1, 2, 3, 5, 8});
    ignores_term = dice.Chance(100'000);
    goes_on_after_term =
        Random(scenario.seed ^ 0xc4ecU ^ static_cast<std::uint64_t>(job.value) << 20U).Half();
    const std::int64_t fails = scenario.Rate(Fault::kTrialFailure);
    const bool is_failing = dice.Chance(fails);
    const std::int64_t how = dice.Below(4);
    if (!is_failing) return;
    exit_code = how == 0 ? 1 : how == 1 ? 75 : 0;
    signal = how == 2 ? 11 : 0;
    could_not_start = how == 3;
  }
};

Machine::Machine(Surroundings& around, Witness& witness, HostPlan plan, Tell tell, CloseLink close)
    : around_(around),
      witness_(witness),
      plan_(std::move(plan)),
      tell_(std::move(tell)),
      close_(std::move(close)) {
  if (!around_.scenario.Has(Fault::kClockDrift)) return;
  around_.tally.Count(Fault::kClockDrift);
  clock_drift_ = around_.dice.Between(-kMostDrift, kMostDrift);
}

ProcessIdentity Machine::Spawn(ProcessKind kind, RankId rank, const std::string& token) {
  // A small space of pids grows when it is full.
  const std::int64_t space = std::max<std::int64_t>(
      around_.scenario.pid_space, 2 * (std::ssize(processes_) + std::ssize(zombies_)));
  do {
    last_pid_ = last_pid_ >= kFirstPid + space ? kFirstPid : last_pid_ + 1;
  } while (processes_.contains(last_pid_) || zombies_.contains(last_pid_));
  if (!used_pids_.insert(last_pid_).second) around_.tally.Count(Probe::kPidReused);
  Process& process = processes_[last_pid_];
  process.kind = kind;
  process.ticks = ++last_ticks_;
  process.rank = rank;
  process.token = token;
  process.began = around_.agenda.Now();
  return {fmt::format("boot-{}", boots_), last_pid_, process.ticks};
}

bool Machine::IsAlive(const ProcessIdentity& identity) const {
  const auto found = processes_.find(identity.pid);
  return found != processes_.end() && found->second.ticks == identity.start_ticks &&
         identity.boot_id == fmt::format("boot-{}", boots_);
}

std::optional<std::uint64_t> Machine::TicksOf(std::int64_t pid) const {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? std::nullopt : std::optional(found->second.ticks);
}

std::chrono::milliseconds Machine::AgeOf(const ProcessIdentity& identity) const {
  const Time age =
      IsAlive(identity) ? around_.agenda.Now() - processes_.at(identity.pid).began : Time{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(age);
}

void Machine::End(const ProcessIdentity& identity) {
  if (IsAlive(identity)) processes_.erase(identity.pid);
}

void Machine::EndChild(const ProcessIdentity& identity) {
  if (IsAlive(identity)) zombies_[identity.pid] = identity;
  End(identity);
}

void Machine::Reap(const ProcessIdentity& identity) {
  const auto zombie = zombies_.find(identity.pid);
  if (zombie != zombies_.end() && zombie->second == identity) zombies_.erase(zombie);
}

std::optional<std::int64_t> Machine::StartTrial(const LaunchRecord& record) {
  const Script script(around_.scenario, record.id.job);
  if (!checkpoints_.Inherit(record)) {
    around_.tally.Count(Probe::kNothingToGoOnFrom);
    witness_.CouldNotStart(record);
    return std::nullopt;
  }
  if (script.could_not_start) {
    around_.tally.Count(Fault::kTrialFailure);
    witness_.CouldNotStart(record);
    return std::nullopt;
  }
  for (const CoreShare& core : record.slots.cores) {
    if (foreign_.contains(core.core)) {
      Surroundings::Violate("slots in use <= capacity",
                            fmt::format("core {} belongs to somebody else", core.core));
    }
  }
  witness_.Began(record, plan_.name);
  witness_.GoesOnFrom(record, checkpoints_.Of(record.checkpoint_name));
  const ProcessIdentity trial = Spawn(ProcessKind::kTrial, record.id, record.token);
  Process& process = processes_.at(trial.pid);
  process.checkpoint = record.checkpoint_name;
  process.exit_code = script.exit_code;
  process.signal = script.signal;
  process.ignores_term = script.ignores_term;
  process.goes_on_after_term = script.goes_on_after_term;
  if (script.exit_code + script.signal != 0) around_.tally.Count(Fault::kTrialFailure);
  Report(trial, script.reports, script.wall / (script.reports + 1));
  return trial.pid;
}

// One report after the other, then the end.
void Machine::Report(ProcessIdentity trial, std::int64_t left, Time every) {
  around_.agenda.After(every, [this, trial, left, every] {
    if (!IsAlive(trial)) return;
    const Process& process = processes_.at(trial.pid);
    if (left == 0) return EndTrial(trial, process.exit_code, process.signal, false);
    WriteCheckpoint(process);
    Random dice(static_cast<std::uint64_t>(process.rank.job.value * 1'000 + left));
    programs_->TrialReported(trial.pid, static_cast<double>(dice.Below(64 * 64)) / 64.0);
    Report(trial, left - 1, every);
  });
}

void Machine::WriteCheckpoint(const Process& process) {
  checkpoints_.left[process.checkpoint] = fmt::format("job {}", process.rank.job.value);
}

void Machine::EndTrial(const ProcessIdentity& trial, int exit_code, int signal, bool was_killed) {
  const Process& process = processes_.at(trial.pid);
  const JobId job = process.rank.job;
  if (signal == 0 && (exit_code == 0 || exit_code == 75)) WriteCheckpoint(process);
  witness_.Left(job, checkpoints_.Of(process.checkpoint));
  processes_.erase(trial.pid);
  witness_.Ended(job, exit_code, signal, was_killed);
  programs_->TrialEnded(trial.pid, exit_code, signal);
}

void Machine::Signal(std::int64_t pid, bool kill) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  Process& process = found->second;
  if (process.kind != ProcessKind::kTrial) {
    Surroundings::Violate("no signal to a process that is not ours",
                          fmt::format("pid {} on {}", pid, plan_.name));
  }
  const ProcessIdentity trial{fmt::format("boot-{}", boots_), pid, process.ticks};
  if (kill) return EndTrial(trial, 0, 9, true);
  if (process.ignores_term) {
    around_.tally.Count(Probe::kTermIgnored);
    return;
  }
  if (std::exchange(process.is_ending, true)) return;
  const Time takes = around_.dice.Spread(std::chrono::microseconds(20), std::chrono::seconds(20));
  const bool goes_on = process.goes_on_after_term;
  around_.agenda.After(takes, [this, trial, goes_on] {
    if (!IsAlive(trial)) return;
    goes_on ? EndTrial(trial, 75, 0, true) : EndTrial(trial, 0, 15, true);
  });
}

void Machine::KillByToken(const std::string& token) {
  std::vector<std::int64_t> found;
  for (const auto& [pid, process] : processes_) {
    if (process.kind == ProcessKind::kTrial && process.token == token) found.push_back(pid);
  }
  for (const std::int64_t pid : found) {
    around_.tally.Count(Probe::kStrayKilled);
    Signal(pid, true);
  }
}

// Held to the end of the tree: by supervisor or trial, whichever lives longer.
bool Machine::IsHeldYet(const Held& held) const {
  return std::ranges::any_of(processes_, [&held](const auto& entry) {
    return entry.second.rank == held.rank && entry.second.kind != ProcessKind::kStranger;
  });
}

std::optional<std::string> Machine::Lease(RankId rank, const Slots& slots, SlotBusy& busy) {
  std::erase_if(leases_, [this](const Held& held) { return !IsHeldYet(held); });
  for (const Held& held : leases_) {
    if (held.rank == rank || !Overlap(held.slots, slots)) continue;
    busy.cores = slots.cores;
    busy.gpus = slots.gpus;
    return fmt::format("core 0: job {}", held.rank.job.value);
  }
  for (const CoreShare& core : slots.cores) {
    if (!foreign_.contains(core.core)) continue;
    busy.cores.push_back(core);
    return fmt::format("core {}: ddl sweep of user ann", core.core);
  }
  leases_.push_back({rank, slots});
  return std::nullopt;
}

void Machine::Release(RankId rank) {
  std::erase_if(leases_, [rank](const Held& held) { return held.rank == rank; });
}

bool Machine::RefusesWrite() {
  return disk_is_full_ || around_.Strikes(Fault::kHostWriteError);
}

std::int64_t Machine::UnixMs() const {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(around_.agenda.Now());
  return (now + now * clock_drift_ / 1'000'000 + clock_offset_).count();
}

HostFacts Machine::Facts() const {
  HostFacts facts = FactsOf(plan_, fmt::format("boot-{}", boots_));
  if (missing_core_) std::erase(facts.cores, *missing_core_);
  return facts;
}

void Machine::PowerOff() {
  std::vector<JobId> running;
  for (const auto& [pid, process] : processes_) {
    if (process.kind == ProcessKind::kTrial) running.push_back(process.rank.job);
    if (process.kind == ProcessKind::kTrial) {
      witness_.Left(process.rank.job, checkpoints_.Of(process.checkpoint));
    }
    if (process.kind == ProcessKind::kSupervisor) witness_.SupervisorDied(process.rank.job);
  }
  processes_.clear();
  zombies_.clear();
  leases_.clear();
  is_on_ = false;
  witness_.HostFailed(plan_.name, running);
}

void Machine::Boot(bool power_was_lost) {
  is_on_ = true;
  ++boots_;
  last_pid_ = kFirstPid;
  // The same pids are given to others, as after every boot.
  for (std::int64_t i = around_.dice.Between(1, 20); i > 0; --i)
    Spawn(ProcessKind::kStranger, {}, {});
  programs_->Booted(power_was_lost);
}

void Machine::StepClock(std::chrono::milliseconds by) {
  clock_offset_ += by;
}

void Machine::SetForeignCore(int core, bool is_held) {
  if (!is_held) {
    foreign_.erase(core);
    return;
  }
  // Only what is free: the leases hold for everybody.
  Slots wanted;
  wanted.cores.push_back({core, 0, 1000});
  const bool is_free = std::ranges::none_of(
      leases_, [&](const Held& held) { return IsHeldYet(held) && Overlap(held.slots, wanted); });
  if (is_free) foreign_.insert(core);
}

}  // namespace ddl::simulation
