// SPDX-License-Identifier: Apache-2.0
// The product's agent (runner/agent_core.h) on a simulated host. It may be killed between any two
// of its effects; what it decides is the product's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/agent_core.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/machine.h"

namespace ddl::simulation {

// What an agent needs of the programs beside it.
class AgentSiblings {
 public:
  virtual ~AgentSiblings() = default;
  virtual pid_t StartSupervisor(int connection, const LaunchRecord& record,
                                std::uint64_t epoch_mark) = 0;
  // A signal that wakes: the supervisor looks for orders.
  virtual void Wake(const ProcessIdentity& supervisor) = 0;
};

class AgentProcess final : private AgentHost {
 public:
  AgentProcess(Machine& machine, Disk& disk, AgentSiblings& siblings, int connection);

  // One turn of its loop with what came; false when it has ended, by itself or killed.
  bool Turn(bool is_idle, const std::function<void(AgentCore&)>& facts);
  [[nodiscard]] std::chrono::milliseconds TurnWithin() const { return core_.TurnWithin(); }
  [[nodiscard]] bool HearsBell() const { return hears_bell_; }

  std::uint64_t epoch = 0;         // of its coordinator, for the witness
  mutable bool may_sleep = false;  // nothing has changed since it looked around
  bool has_turn = false;           // one is on the agenda

 private:
  struct Killed {};
  class Tail;
  // Where it may be killed: before an effect, or after it.
  [[nodiscard]] bool ReadFails() const;
  void Mortal() const;

  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override;
  void Send(FromHost message) override;
  [[nodiscard]] std::size_t BytesToSend() const override { return 0; }
  [[nodiscard]] HostFacts Facts() override { return machine_.Facts(); }
  void LookAgain() override {}  // HostPrograms::DevicesChanged answers
  [[nodiscard]] std::string ClaimFolder(const std::string&) override { return {}; }
  [[nodiscard]] std::string Folder() const override { return "/simulated"; }
  [[nodiscard]] bool OpenBell() override { return hears_bell_ = true; }
  [[nodiscard]] bool HasBell() const override { return true; }
  [[nodiscard]] EpochRecord Epoch() const override { return disk_.epoch; }
  [[nodiscard]] bool RaiseEpoch(const EpochRecord& from, const EpochRecord& to) override;
  [[nodiscard]] std::uint64_t EpochMark() const override { return disk_.epoch_mark; }
  [[nodiscard]] bool HolderMayLive(const std::string&, const std::string&) const override;
  [[nodiscard]] std::optional<std::vector<RankId>> Jobs() const override;
  [[nodiscard]] std::string JobFolder(RankId id) const override;
  [[nodiscard]] bool HasJob(RankId id) const override { return disk_.jobs.contains(id); }
  [[nodiscard]] RankRecord Record(RankId id) const override;
  [[nodiscard]] bool IsSettled(RankId id) const override;
  [[nodiscard]] bool Settle(RankId id) override;
  void SettleLost(RankId id) override;
  [[nodiscard]] std::optional<SlotBusy> TakeBusy(RankId id) override;
  [[nodiscard]] bool WriteOrder(const Order& order) override;
  void WriteAck(RankId id, std::int64_t committed_seq) override;
  void DeleteSaved(RankId id, std::int64_t saved_seq) override;
  [[nodiscard]] std::unique_ptr<SpoolTail> OpenSpool(RankId id, std::int64_t after_seq) override;
  void RemovePipes(RankId) override {}
  [[nodiscard]] FileChunk Get(const GetFile&) override { return {}; }
  [[nodiscard]] PutFileReply Put(const PutFile&) override { return {}; }
  void TakeCode(const ToHost&) override {}
  [[nodiscard]] pid_t StartSupervisor(const LaunchRecord& record,
                                      std::uint64_t epoch_mark) override;
  [[nodiscard]] const std::string& BootId() const override { return boot_id_; }
  [[nodiscard]] ProcessLook LookAt(std::int64_t pid) const override;
  [[nodiscard]] std::chrono::milliseconds AgeOf(const ProcessIdentity& process) const override {
    return machine_.AgeOf(process);
  }
  bool Signal(const ProcessIdentity& process, int signal) override;
  void KillByToken(const std::string& token) override;
  void AwaitDeath(const ProcessIdentity&) override {}

  Machine& machine_;
  Surroundings& around_;
  Disk& disk_;
  AgentSiblings& siblings_;
  int connection_;
  std::string boot_id_;
  bool hears_bell_ = false;
  AgentCore core_{*this};
};

}  // namespace ddl::simulation
