// SPDX-License-Identifier: Apache-2.0
// What an agent's core wants done, by the calls of the kernel and the files of the host folder.
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/agent.h"
#include "runner/file_transfer.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "runner/orders.h"
#include "runner/records.h"
#include "runner/spool.h"
#include "runner/supervisor.h"
#include "runner/trial_start.h"

namespace ddl {

namespace {

using std::chrono::steady_clock;

std::optional<RankId> ParseJobName(const std::string& name) {
  RankId id;
  const char* end = name.data() + name.size();
  const auto [dot, problem] = std::from_chars(name.data(), end, id.job.value);
  if (problem != std::errc() || dot == end || *dot != '.') return std::nullopt;
  const auto [rest, problem_too] = std::from_chars(dot + 1, end, id.rank);
  if (problem_too != std::errc() || rest != end) return std::nullopt;
  return id;
}

class SpoolFiles final : public SpoolTail {
 public:
  explicit SpoolFiles(SpoolReader reader) : reader_(std::move(reader)) {}
  [[nodiscard]] std::vector<MetricReport> Read() override { return reader_.Read(); }
  [[nodiscard]] std::int64_t LastSeq() const override { return reader_.LastSeq(); }

 private:
  SpoolReader reader_;
};

}  // namespace

steady_clock::time_point Agent::Now() const {
  return steady_clock::now();
}

void Agent::Send(FromHost message) {
  AppendFrame(message, out_);
}

HostFacts Agent::Facts() {
  return ReadHostFacts();
}

// nvidia-smi may take seconds, which a child waits for. It has nothing of ours but its pipe.
void Agent::LookAgain() {
  if (look_) return;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  look_ = FileDescriptor(ends[0]);
  look_frames_ = FrameReader();
  const FileDescriptor answer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) look_.Reset();
  if (child != 0) return;
  ::prctl(PR_SET_NAME, "ddl-look");
  if (!LeaveStandardStreams()) ::_exit(1);
  const auto only = static_cast<unsigned>(answer.Get());
  if (only > 3) ::close_range(3, only - 1, 0);
  ::close_range(only + 1, ~0U, 0);
  std::string frame;
  AppendFrame(FromHost{FactsChanged{ReadHostFacts()}}, frame);
  ::_exit(WriteAll(answer.Get(), frame) ? 0 : 1);
}

std::string Agent::ClaimFolder(const std::string& store_id) {
  paths_.store_id = store_id;
  std::string problem = ClaimHostFolder(paths_, MachineId());
  if (problem.empty()) paths_.pipes_folder = ClaimPipesFolder(paths_);
  return problem;
}

// For both directions: never at its end, whoever comes and goes.
bool Agent::OpenBell() {
  FileDescriptor bell = OpenFile(paths_.Bell(), O_RDWR | O_NONBLOCK);
  if (!bell) return false;
  bell_ = std::move(bell);
  return true;
}

bool Agent::HasBell() const {
  return !IsMissing(paths_.Bell());
}

bool Agent::RaiseEpoch(const EpochRecord& from, const EpochRecord& to) {
  return ddl::RaiseEpoch(paths_, from, to);
}

bool Agent::HolderMayLive(const std::string& holder, const std::string& hostname) const {
  return ddl::HolderMayLive(holder, hostname);
}

std::optional<std::vector<RankId>> Agent::Jobs() const {
  std::vector<RankId> jobs;
  std::error_code problem;
  std::filesystem::directory_iterator entry(paths_.Jobs(), problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const std::optional<RankId> id = ParseJobName(entry->path().filename());
    if (id) jobs.push_back(*id);
  }
  if (problem) return std::nullopt;
  return jobs;
}

bool Agent::HasJob(RankId id) const {
  return !IsMissing(paths_.Job(id));
}

RankRecord Agent::Record(RankId id) const {
  return ReadRankRecord(paths_.Job(id));
}

bool Agent::IsSettled(RankId id) const {
  return ddl::IsSettled(paths_.Job(id));
}

bool Agent::Settle(RankId id) {
  return SettleRankRecord(paths_.Job(id));
}

void Agent::SettleLost(RankId id) {
  SettleLostRank(paths_.Job(id));
}

std::optional<SlotBusy> Agent::TakeBusy(RankId id) {
  const std::string path = paths_.Job(id) + ".busy";
  const std::optional<std::string> text = ReadFile(path);
  std::optional<SlotBusy> busy = text ? SlotBusyFromJson(*text) : std::nullopt;
  if (busy) ::unlink(path.c_str());
  return busy;
}

bool Agent::WriteOrder(const Order& order) {
  return ddl::WriteOrder(paths_.Job(order.id), order.kind, order.line);
}

void Agent::WriteAck(RankId id, std::int64_t committed_seq) {
  PostAck(paths_.Job(id), committed_seq);
}

void Agent::DeleteSaved(RankId id, std::int64_t saved_seq) {
  DeleteSavedSegments(paths_.Job(id), id, saved_seq);
}

std::unique_ptr<SpoolTail> Agent::OpenSpool(RankId id, std::int64_t after_seq) {
  return std::make_unique<SpoolFiles>(SpoolReader(paths_.Job(id), id, after_seq));
}

void Agent::RemovePipes(RankId id) {
  ddl::RemovePipes(paths_, id);
}

FileChunk Agent::Get(const GetFile& request) {
  return ReadPiece(paths_.host_folder, request);
}

PutFileReply Agent::Put(const PutFile& request) {
  return WritePiece(paths_.host_folder, request);
}

pid_t Agent::StartSupervisor(const LaunchRecord& record, std::uint64_t epoch_mark) {
  const pid_t child = ::fork();
  if (child == 0) {
    RunSupervisor(record, paths_, {.leases_folder = leases_folder_, .epoch_mark = epoch_mark});
  }
  return child > 0 ? child : 0;
}

ProcessLook Agent::LookAt(std::int64_t pid) const {
  return LookAtProcess(pid);
}

std::chrono::milliseconds Agent::AgeOf(const ProcessIdentity& process) const {
  return ddl::AgeOf(process);
}

bool Agent::Signal(const ProcessIdentity& process, int signal) {
  return SendSignal(process, signal);
}

void Agent::KillByToken(const std::string& token) {
  ddl::KillByToken(token);
}

void Agent::AwaitDeath(const ProcessIdentity& process) {
  const auto until = steady_clock::now() + std::chrono::milliseconds(50);
  while (IsThatProcess(process, ReadProcessStat(process.pid), boot_id_) &&
         steady_clock::now() < until) {
    ::sched_yield();
  }
}

}  // namespace ddl
