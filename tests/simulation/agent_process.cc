// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/agent_process.h"

#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "runner/orders.h"

namespace ddl::simulation {

// Few reports a read, so that there are many cuts; now and then it cannot be read for a moment.
class AgentProcess::Tail final : public SpoolTail {
 public:
  Tail(const AgentProcess& agent, RankId id, std::int64_t after_seq)
      : agent_(agent), id_(id), last_seq_(after_seq) {}

  [[nodiscard]] std::vector<MetricReport> Read() override {
    constexpr std::int64_t kBatch = 3;
    const auto job = agent_.disk_.jobs.find(id_);
    if (job == agent_.disk_.jobs.end()) return {};
    const auto& spool = job->second.spool;
    if (last_seq_ >= std::ssize(spool)) return {};
    if (agent_.ReadFails()) return {};
    const std::int64_t until = std::min(last_seq_ + kBatch, std::ssize(spool));
    std::vector<MetricReport> reports(spool.begin() + last_seq_, spool.begin() + until);
    last_seq_ = until;
    return reports;
  }
  [[nodiscard]] std::int64_t LastSeq() const override { return last_seq_; }

 private:
  const AgentProcess& agent_;
  RankId id_;
  std::int64_t last_seq_;
};

AgentProcess::AgentProcess(Machine& machine, Disk& disk, AgentSiblings& siblings, int connection)
    : machine_(machine),
      around_(machine.Around()),
      disk_(disk),
      siblings_(siblings),
      connection_(connection),
      boot_id_(machine.Facts().boot_id) {}

bool AgentProcess::Turn(bool is_idle, const std::function<void(AgentCore&)>& facts) {
  try {
    facts(core_);
    core_.Work(is_idle);
    if (!core_.IsOver()) return true;
    (void)core_.Leave();
  } catch (const Killed&) {
    around_.trace.Note(around_.agenda.Now(), machine_.Name(), "agent {} is killed", connection_);
  }
  return false;
}

bool AgentProcess::ReadFails() const {
  if (!around_.Strikes(Fault::kHostReadError)) return false;
  may_sleep = false;  // what it could not see it looks for again
  return true;
}

void AgentProcess::Mortal() const {
  if (around_.Strikes(Fault::kAgentCrash)) throw Killed{};
}

std::chrono::steady_clock::time_point AgentProcess::Now() const {
  return std::chrono::steady_clock::time_point(around_.agenda.Now());
}

void AgentProcess::Send(FromHost message) {
  Mortal();
  if (const auto* refused = std::get_if<Refused>(&message)) {
    const bool is_stale = refused->reason.starts_with("a later coordinator");
    if (is_stale) around_.tally.Count(Probe::kStaleEpochRefused);
  }
  if (const auto* exited = std::get_if<Exited>(&message)) {
    if (exited->record.detail == "not started yet") around_.tally.Count(Probe::kRecalled);
  }
  machine_.Say(connection_, std::move(message));
}

bool AgentProcess::RaiseEpoch(const EpochRecord& from, const EpochRecord& to) {
  Mortal();
  const bool is_refused = machine_.RefusesWrite() && from != to;  // else a time changes at least
  if (is_refused || disk_.epoch != from) return false;
  disk_.epoch = to;
  disk_.highest_epoch = std::max(disk_.highest_epoch, to.epoch);
  ++disk_.epoch_mark;
  Mortal();
  return true;
}

bool AgentProcess::HolderMayLive(const std::string&, const std::string&) const {
  return false;  // nobody copies this store
}

std::optional<std::vector<RankId>> AgentProcess::Jobs() const {
  std::vector<RankId> jobs;
  for (const auto& [id, files] : disk_.jobs) {
    jobs.push_back(id);
  }
  return jobs;
}

std::string AgentProcess::JobFolder(RankId id) const {
  return fmt::format("/simulated/jobs/{}.{}", id.job.value, id.rank);
}

RankRecord AgentProcess::Record(RankId id) const {
  const auto job = disk_.jobs.find(id);
  if (job == disk_.jobs.end() || job->second.is_settled) return {};
  if (ReadFails()) return {.start = {}, .exit = {}, .is_unreadable = true};
  return {.start = job->second.start, .exit = job->second.exit};
}

bool AgentProcess::IsSettled(RankId id) const {
  return disk_.jobs.at(id).is_settled;
}

bool AgentProcess::Settle(RankId id) {
  Mortal();
  const auto job = disk_.jobs.find(id);
  if (job == disk_.jobs.end() || !job->second.exit) return false;
  job->second.is_settled = true;
  return true;
}

void AgentProcess::SettleLost(RankId id) {
  Mortal();
  const auto job = disk_.jobs.find(id);
  if (job != disk_.jobs.end() && job->second.start) job->second.is_settled = true;
}

std::optional<SlotBusy> AgentProcess::TakeBusy(RankId id) {
  const auto entry = disk_.busy.find(id);
  if (entry == disk_.busy.end()) return std::nullopt;
  Mortal();
  SlotBusy busy = std::move(entry->second);
  disk_.busy.erase(entry);
  Mortal();
  return busy;
}

bool AgentProcess::WriteOrder(const Order& order) {
  Mortal();
  const auto job = disk_.jobs.find(order.id);
  if (job == disk_.jobs.end() || machine_.RefusesWrite()) return false;
  machine_.Truth().OrderReached(order.id.job, epoch, disk_.highest_epoch);
  job->second.orders.push_back(order.kind);
  Mortal();
  return true;
}

void AgentProcess::WriteAck(RankId id, std::int64_t committed_seq) {
  machine_.Truth().Acked(id.job, committed_seq, false);
}

void AgentProcess::DeleteSaved(RankId id, std::int64_t saved_seq) {
  machine_.Truth().Acked(id.job, saved_seq, true);
}

std::unique_ptr<SpoolTail> AgentProcess::OpenSpool(RankId id, std::int64_t after_seq) {
  const auto job = disk_.jobs.find(id);
  const bool is_replay = job != disk_.jobs.end() && after_seq < std::ssize(job->second.spool);
  if (is_replay) around_.tally.Count(Probe::kMetricsReplayed);
  return std::make_unique<Tail>(*this, id, after_seq);
}

pid_t AgentProcess::StartSupervisor(const LaunchRecord& record, std::uint64_t epoch_mark) {
  Mortal();
  const pid_t child = siblings_.StartSupervisor(connection_, record, epoch_mark);
  Mortal();
  return child;
}

ProcessLook AgentProcess::LookAt(std::int64_t pid) const {
  if (ReadFails()) return {.stat = std::nullopt, .is_refused = true};
  const std::optional<std::uint64_t> ticks = machine_.TicksOf(pid);
  if (!ticks) return {};
  return {.stat = ProcessStat{.pid = pid, .state = 'S', .start_ticks = *ticks}};
}

bool AgentProcess::Signal(const ProcessIdentity& process, int signal) {
  Mortal();
  if (!machine_.IsAlive(process)) return false;
  if (signal == kWakeSignal) {
    siblings_.Wake(process);
  } else {
    machine_.Signal(process.pid, signal == SIGKILL);
  }
  return true;
}

void AgentProcess::KillByToken(const std::string& token) {
  Mortal();
  machine_.KillByToken(token);
}

}  // namespace ddl::simulation
