// SPDX-License-Identifier: Apache-2.0
// The process around SupervisorCore: one thread, one poll. Reads the trial's pipes and the kernel's
// signals, hands them to the core, and does what that decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/bell.h"
#include "runner/cgroup.h"
#include "runner/job_folder.h"
#include "runner/leases.h"
#include "runner/metric_intake.h"
#include "runner/rank_record.h"
#include "runner/spool.h"
#include "runner/supervisor_core.h"
#include "runner/trial_log.h"

namespace ddl {

class Supervision final : private SupervisorHost {
 public:
  Supervision(const LaunchRecord& launch, const HostPaths& paths, const SupervisorOptions& options);
  // Until nothing of the trial's tree is left and how it ended is written down.
  void Run();

 private:
  // ---- supervision.cc: the loop
  void Turn();
  void ReadSignals();
  void Reap();
  using Take = void (MetricIntake::*)(std::string_view);
  void ReadPipe(FileDescriptor& pipe, Take take, bool to_the_end);

  // ---- supervisor_host.cc: what the core wants done
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override;
  [[nodiscard]] std::int64_t UnixMs() const override;
  [[nodiscard]] ClaimAnswer Claim() override;
  [[nodiscard]] bool HasFolder() const override;
  void WriteBusy(const SlotBusy& busy) override;
  void RemoveFolder() override;
  [[nodiscard]] bool WriteStart(pid_t trial) override;
  [[nodiscard]] bool WriteExit(const ExitRecord& record) override;
  [[nodiscard]] std::string Prepare() override;
  void RemovePipes() override;
  [[nodiscard]] OrderAnswer ReadOrder(int number) override;
  bool Ring(const BellLine& line) override { return bell_.Ring(line); }
  [[nodiscard]] bool IsFenced() override;
  [[nodiscard]] LeaseAnswer TakeLeases() override;
  void ReleaseLeases() override { leases_.reset(); }
  [[nodiscard]] StartedTrial StartTrial() override;
  void SignalTree(int signal) override;
  void KillTree() override;
  void EncloseTree() override;
  [[nodiscard]] std::int64_t TreeMemoryKib() override;
  [[nodiscard]] std::int64_t OutOfMemoryKills() override;
  void Control(const std::string& line) override;
  void TakeRest() override;
  [[nodiscard]] bool FlushSpool() override { return spool_.Flush(); }
  [[nodiscard]] std::int64_t LastSeq() const override { return spool_.LastSeq(); }
  [[nodiscard]] bool HasUnwritten() const override { return spool_.HasUnwritten(); }
  [[nodiscard]] std::int64_t UnacknowledgedBytes(std::int64_t limit) override;
  void Close() override;
  void DescribeOutput(ExitRecord& record) override;

  const LaunchRecord& launch_;
  const HostPaths& paths_;
  const SupervisorOptions& options_;
  std::string folder_;
  Bell bell_;
  FileDescriptor signals_;
  std::optional<Leases> leases_;
  std::optional<RankRecordFile> file_;
  TrialPipes pipes_;
  SpoolWriter spool_;
  TrialLog log_;
  std::optional<MetricIntake> intake_;  // from the trial's start on: it tells time since then
  std::optional<Cgroup> cgroup_;
  SupervisorCore core_;
};

}  // namespace ddl
