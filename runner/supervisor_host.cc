// SPDX-License-Identifier: Apache-2.0
// What a supervisor's core wants done, by the calls of the kernel and the files of the job folder.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/failure_match.h"
#include "runner/host_folder.h"
#include "runner/lane_client.h"
#include "runner/orders.h"
#include "runner/process.h"
#include "runner/process_tree.h"
#include "runner/records.h"
#include "runner/supervision.h"
#include "runner/trial_set_up.h"

namespace ddl {

namespace {

// The log is closed: its tail is in order.
std::string LogEnd(const std::string& folder) {
  for (const char* name : {"/log.tail", "/log"}) {
    const FileDescriptor file = OpenFile(folder + name, O_RDONLY);
    struct stat facts{};
    if (!file || ::fstat(file.Get(), &facts) != 0 || facts.st_size == 0) continue;
    const auto size = std::min<std::int64_t>(facts.st_size, kFailureTailBytes);
    std::string end(static_cast<std::size_t>(size), '\0');
    if (ReadAllAt(file.Get(), end, facts.st_size - size) == size) return end;
  }
  return {};
}

}  // namespace

std::chrono::steady_clock::time_point Supervision::Now() const {
  return std::chrono::steady_clock::now();
}

std::int64_t Supervision::UnixMs() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

ClaimAnswer Supervision::Claim() {
  // Without it nobody would learn that the trial has ended.
  if (!signals_) return {.is_taken = false, .problem = "the host has no more descriptors"};
  if (::mkdir(folder_.c_str(), 0700) == 0) return {};
  if (errno == EEXIST) return {.is_taken = true, .problem = {}};
  return {.is_taken = false,
          .problem = fmt::format("cannot make {}: {}", folder_, std::strerror(errno))};
}

bool Supervision::HasFolder() const {
  return !IsMissing(folder_);
}

void Supervision::WriteBusy(const SlotBusy& busy) {
  (void)WriteFileAtomically(folder_ + ".busy", ToJsonText(busy));
  ::rmdir(folder_.c_str());
}

void Supervision::RemoveFolder() {
  RemoveTree(folder_);
}

bool Supervision::WriteStart(pid_t trial) {
  if (!file_) file_.emplace(launch_, folder_);
  return file_->WriteStart(trial);
}

bool Supervision::WriteExit(const ExitRecord& record) {
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the start record came first
  return file_->WriteExit(record);
}

std::string Supervision::Prepare() {
  return PrepareJobFolder(launch_, paths_, pipes_);
}

void Supervision::RemovePipes() {
  ddl::RemovePipes(paths_, launch_.id);
}

OrderAnswer Supervision::ReadOrder(int number) {
  const auto text = ReadFile(fmt::format("{}/order.{}", folder_, number));
  if (!text) return {.order = std::nullopt, .is_unreadable = errno != ENOENT};
  return {.order = ParseOrder(*text).value_or(OrderText{OrderKind::kControl, {}})};
}

bool Supervision::IsFenced() {
  return options_.epoch_mark && EpochMark(paths_) != *options_.epoch_mark;
}

LeaseAnswer Supervision::TakeLeases() {
  auto taken = ddl::TakeLeases(options_.leases_folder, launch_.slots,
                               {.store_id = paths_.store_id,
                                .id = launch_.id,
                                .sweep = launch_.sweep,
                                .user = static_cast<std::int64_t>(::geteuid()),
                                .pid = ::getpid()});
  LeaseAnswer answer;
  if (auto* refusal = std::get_if<LeaseRefusal>(&taken)) {
    answer.busy = SlotBusy{launch_.id, launch_.token, std::move(refusal->holder),
                           std::move(refusal->cores), std::move(refusal->gpus)};
  } else if (auto* problem = std::get_if<LeaseProblem>(&taken)) {
    answer.problem = std::move(problem->text);
  } else {
    leases_ = std::get<Leases>(std::move(taken));
  }
  return answer;
}

StartedTrial Supervision::StartTrial() {
  intake_.emplace(launch_, spool_, log_);
  return ddl::StartTrial(launch_, paths_, pipes_);
}

void Supervision::SignalTree(int signal) {
  SignalDescendants(signal);
}

// Who was not there when the rest got KILL is moved into the cgroup, so that the next KILL finds it
// and all that it forks: a chain of forks outruns signals, and comes to its end here.
void Supervision::KillTree() {
  std::set<std::int64_t> killed;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    if (cgroup_) cgroup_->Kill();
    std::vector<std::int64_t> pids = SignalDescendants(SIGKILL);
    std::erase_if(pids, [&](std::int64_t pid) { return !killed.insert(pid).second; });
    if (pids.empty()) return;
    if (cgroup_ && round > 0) cgroup_->Take(pids);
  }
}

void Supervision::EncloseTree() {
  cgroup_ = Cgroup::Make(launch_.token);
  if (cgroup_) cgroup_->TakeDescendants();
}

std::int64_t Supervision::TreeMemoryKib() {
  return DescendantsMemoryKib();
}

std::int64_t Supervision::OutOfMemoryKills() {
  return ddl::OutOfMemoryKills();
}

void Supervision::Control(const std::string& line) {
  (void)WriteAll(pipes_.control.Get(), line + "\n");
}

std::int64_t Supervision::UnacknowledgedBytes(std::int64_t limit) {
  if (spool_.UnacknowledgedBytes() > limit) {
    if (const auto seq = ReadAck(folder_)) spool_.Acknowledge(*seq);
  }
  return spool_.UnacknowledgedBytes();
}

void Supervision::Close() {
  log_.Close();
  if (cgroup_) cgroup_->Remove();
}

void Supervision::DescribeOutput(ExitRecord& record) {
  record.log_bytes = log_.Bytes();
  record.log_bytes_dropped = log_.Dropped();
  if (!launch_.setup.empty()) {
    JudgeSetUp(launch_.setup, ReadFile(folder_ + kSetUpFile).value_or(""), record);
  }
  if (pipes_.lane) DescribeLane(ReadFile(folder_ + kLaneFile).value_or(""), record);
  if (MayBeExplained(record)) {
    const std::string log_end = LogEnd(folder_);
    FailureMatch match = FindFailure(launch_.failure_patterns, log_end);
    record.failure = std::move(match.pattern);
    record.failure_line = std::move(match.line);
    if (record.detail.empty()) record.detail = LastLineSaid(log_end);
  }
  if (!intake_) return;
  record.metric_names.assign(intake_->Names().begin(), intake_->Names().end());
  record.metric_names_refused = intake_->NamesRefused();
}

}  // namespace ddl
