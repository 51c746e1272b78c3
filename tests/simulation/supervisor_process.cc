// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/supervisor_process.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;

constexpr const char* kNoSpace = "no space left on device";

// A trial of half an hour is not looked at four times a second here.
SupervisorOptions OptionsOf(const Scenario& scenario) {
  SupervisorOptions options;
  const auto part = std::chrono::duration_cast<milliseconds>(scenario.trial_wall / 4);
  options.memory_check_interval = std::max(options.memory_check_interval, part);
  return options;
}

}  // namespace

SupervisorProcess::SupervisorProcess(Machine& machine, Disk& disk, SupervisorSiblings& siblings,
                                     LaunchRecord record, ProcessIdentity identity,
                                     std::uint64_t epoch_mark)
    : machine_(machine),
      around_(machine.Around()),
      disk_(disk),
      siblings_(siblings),
      record_(std::move(record)),
      identity_(std::move(identity)),
      epoch_mark_(epoch_mark),
      options_(OptionsOf(around_.scenario)),
      core_(record_, options_, *this) {}

std::optional<Time> SupervisorProcess::Turn(const std::function<void(SupervisorCore&)>& facts) {
  ++turns;
  try {
    if (core_.HasSteps()) {
      const milliseconds wait = core_.Step();
      if (core_.IsGone()) return std::nullopt;
      if (core_.HasSteps()) return std::max<Time>(wait, around_.Moment());
    } else {
      if (core_.MayRead()) ReadPipe();
      facts(core_);
      if (status_) {
        core_.ProcessEnded(static_cast<pid_t>(trial_->pid), *status_, 0, 0);
        core_.Reaped(true);
      }
      core_.Work();
      if (core_.HasSteps()) return around_.Moment();
    }
    return core_.TurnWithin();
  } catch (const Killed&) {
    around_.trace.Note(around_.agenda.Now(), machine_.Name(), "supervisor of job {} is killed",
                       record_.id.job.value);
    const auto files = disk_.jobs.find(record_.id);
    const bool has_told = files != disk_.jobs.end() && files->second.exit;
    if (!has_told) machine_.Truth().SupervisorDied(record_.id.job);
  }
  return std::nullopt;
}

void SupervisorProcess::Mortal() const {
  if (around_.Strikes(Fault::kSupervisorCrash)) throw Killed{};
}

std::chrono::steady_clock::time_point SupervisorProcess::Now() const {
  return std::chrono::steady_clock::time_point(around_.agenda.Now());
}

void SupervisorProcess::TrialReported(double value) {
  const auto since = std::chrono::duration_cast<milliseconds>(around_.agenda.Now() - began_);
  pipe_.push_back({0, 0, since.count(), {{"loss", value}}});
}

void SupervisorProcess::ReadPipe() {
  for (MetricReport& report : std::exchange(pipe_, {})) {
    report.seq = report.step = ++last_seq_;
    unwritten_.push_back(std::move(report));
  }
}

bool SupervisorProcess::FlushSpool() {
  if (unwritten_.empty()) return true;
  Mortal();
  if (machine_.RefusesWrite()) return false;
  for (MetricReport& report : std::exchange(unwritten_, {})) {
    machine_.Truth().Spooled(record_.id.job, report.values.front().second);
    disk_.jobs.at(record_.id).spool.push_back(std::move(report));
  }
  Mortal();
  return true;
}

ClaimAnswer SupervisorProcess::Claim() {
  Mortal();
  if (HasFolder()) {
    around_.tally.Count(Probe::kStartedTwiceRefused);
    return {.is_taken = true, .problem = {}};
  }
  if (machine_.RefusesWrite()) return {.is_taken = false, .problem = kNoSpace};
  (void)disk_.jobs[record_.id];
  Mortal();
  return {};
}

LeaseAnswer SupervisorProcess::TakeLeases() {
  LeaseAnswer answer;
  SlotBusy busy{record_.id, record_.token, {}, {}, {}};
  if (const auto holder = machine_.Lease(record_.id, record_.slots, busy)) {
    around_.tally.Count(Probe::kSlotBusy);
    busy.holder = *holder;
    answer.busy = busy;
  }
  Mortal();
  return answer;
}

void SupervisorProcess::WriteBusy(const SlotBusy& busy) {
  Mortal();
  if (!machine_.RefusesWrite()) disk_.busy[record_.id] = busy;
  Mortal();
  disk_.jobs.erase(record_.id);
}

void SupervisorProcess::RemoveFolder() {
  Mortal();
  disk_.jobs.erase(record_.id);
}

bool SupervisorProcess::WriteStart(pid_t trial) {
  Mortal();
  if (machine_.RefusesWrite()) return false;
  disk_.jobs.at(record_.id).start =
      StartRecord{record_.id, record_.token, identity_, trial, machine_.UnixMs()};
  Mortal();
  return true;
}

std::string SupervisorProcess::Prepare() {
  Mortal();
  return machine_.RefusesWrite() ? kNoSpace : "";
}

bool SupervisorProcess::IsFenced() {
  if (disk_.epoch_mark == epoch_mark_) return false;
  around_.tally.Count(Probe::kGaveUpFenced);
  return true;
}

StartedTrial SupervisorProcess::StartTrial() {
  Mortal();
  const auto pid = machine_.StartTrial(record_);
  if (!pid) return {-1, "no such program"};
  began_ = around_.agenda.Now();
  trial_ = ProcessIdentity{identity_.boot_id, *pid, machine_.TicksOf(*pid).value()};
  siblings_.TrialStarted(*pid, identity_);
  Mortal();
  return {static_cast<pid_t>(*pid), {}};
}

OrderAnswer SupervisorProcess::ReadOrder(int number) {
  const auto& orders = disk_.jobs.at(record_.id).orders;
  if (number > std::ssize(orders)) return {};
  if (around_.Strikes(Fault::kHostReadError)) return {.order = {}, .is_unreadable = true};
  const OrderKind kind = orders[static_cast<std::size_t>(number - 1)];
  if (kind == OrderKind::kKill) around_.tally.Count(Probe::kStrayKilled);
  return {.order = OrderText{kind, {}}};
}

bool SupervisorProcess::Ring(const BellLine& line) {
  Mortal();
  if (around_.Strikes(Fault::kBellLost)) return false;
  siblings_.Ring(line);
  return true;
}

void SupervisorProcess::SignalTree(int signal) {
  Mortal();
  if (trial_ && signal == SIGTERM && machine_.IsAlive(*trial_)) machine_.Signal(trial_->pid, false);
}

void SupervisorProcess::KillTree() {
  Mortal();
  if (trial_ && machine_.IsAlive(*trial_)) machine_.Signal(trial_->pid, true);
}

bool SupervisorProcess::WriteExit(const ExitRecord& record) {
  Mortal();
  if (machine_.RefusesWrite()) return false;
  disk_.jobs.at(record_.id).exit = record;
  Mortal();
  return true;
}

void SupervisorProcess::DescribeOutput(ExitRecord& record) {
  if (last_seq_ > 0) record.metric_names = {"loss"};
}

}  // namespace ddl::simulation
