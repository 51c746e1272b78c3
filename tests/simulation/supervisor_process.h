// SPDX-License-Identifier: Apache-2.0
// The product's supervisor (runner/supervisor_core.h) on a simulated host. It may be killed between
// any two of its effects; what it decides is the product's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/supervisor_core.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/machine.h"

namespace ddl::simulation {

// What a supervisor needs of the programs beside it.
class SupervisorSiblings {
 public:
  virtual ~SupervisorSiblings() = default;
  virtual void Ring(const BellLine& line) = 0;
  virtual void TrialStarted(std::int64_t trial, const ProcessIdentity& supervisor) = 0;
};

class SupervisorProcess final : private SupervisorHost {
 public:
  SupervisorProcess(Machine& machine, Disk& disk, SupervisorSiblings& siblings, LaunchRecord record,
                    ProcessIdentity identity, std::uint64_t epoch_mark);

  // One step or one turn of its loop with what came. So long until the next one at the latest;
  // nullopt when it has ended, by itself or killed.
  std::optional<Time> Turn(const std::function<void(SupervisorCore&)>& facts);
  void TrialReported(double value);
  // The kernel tells it with the next turn, whatever that comes for.
  void TrialEnded(int status) { status_ = status; }
  [[nodiscard]] const ProcessIdentity& Identity() const { return identity_; }
  [[nodiscard]] bool HasSteps() const { return core_.HasSteps(); }

  std::uint64_t turns = 0;  // a timer of an earlier turn is void

 private:
  struct Killed {};
  // Where it may be killed: before an effect, or after it.
  void Mortal() const;
  void ReadPipe();

  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override;
  [[nodiscard]] std::int64_t UnixMs() const override { return machine_.UnixMs(); }
  [[nodiscard]] ClaimAnswer Claim() override;
  [[nodiscard]] bool HasFolder() const override { return disk_.jobs.contains(record_.id); }
  void WriteBusy(const SlotBusy& busy) override;
  void RemoveFolder() override;
  [[nodiscard]] bool WriteStart(pid_t trial) override;
  [[nodiscard]] bool WriteExit(const ExitRecord& record) override;
  [[nodiscard]] std::string Prepare() override;
  void RemovePipes() override {}
  [[nodiscard]] OrderAnswer ReadOrder(int number) override;
  bool Ring(const BellLine& line) override;
  [[nodiscard]] bool IsFenced() override;
  [[nodiscard]] LeaseAnswer TakeLeases() override;
  void ReleaseLeases() override { machine_.Release(record_.id); }
  [[nodiscard]] StartedTrial StartTrial() override;
  void SignalTree(int signal) override;
  void KillTree() override;
  void EncloseTree() override {}
  [[nodiscard]] std::int64_t TreeMemoryKib() override { return 0; }
  [[nodiscard]] std::int64_t OutOfMemoryKills() override { return 0; }
  void Control(const std::string&) override {}
  void TakeRest() override { ReadPipe(); }
  [[nodiscard]] bool FlushSpool() override;
  [[nodiscard]] std::int64_t LastSeq() const override { return last_seq_; }
  [[nodiscard]] bool HasUnwritten() const override { return !unwritten_.empty(); }
  [[nodiscard]] std::int64_t UnacknowledgedBytes(std::int64_t) override { return 0; }
  void Close() override {}
  void DescribeOutput(ExitRecord& record) override;

  Machine& machine_;
  Surroundings& around_;
  Disk& disk_;
  SupervisorSiblings& siblings_;
  LaunchRecord record_;
  ProcessIdentity identity_;
  std::uint64_t epoch_mark_;
  SupervisorOptions options_;
  std::optional<ProcessIdentity> trial_;
  std::optional<int> status_;  // it has ended, and the supervisor has not looked
  Time began_{0};
  std::vector<MetricReport> pipe_;       // that the trial wrote and nobody read
  std::vector<MetricReport> unwritten_;  // the disk refused them
  std::int64_t last_seq_ = 0;
  SupervisorCore core_;
};

}  // namespace ddl::simulation
