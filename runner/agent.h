// SPDX-License-Identifier: Apache-2.0
// The process around AgentCore: the coordinator's hands on one host. Reads the link, the bell and
// the ends of its children, hands them to the core, and does what that decides. One thread, one
// poll; no descriptor per rank.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/agent_core.h"
#include "runner/agent_host.h"
#include "runner/code_child.h"
#include "runner/file.h"
#include "runner/frames.h"
#include "runner/job_folder.h"

namespace ddl {

class Agent final : private AgentHost {
 public:
  // Reads the coordinator's messages from `from`, writes its own to `to`; both do not block.
  Agent(FileDescriptor from, FileDescriptor to, std::string host_folder);
  // Until the link ends. Returns the exit code of the process.
  int Run();

 private:
  // ---- agent.cc: the loop
  void Turn();
  void ReadLink();
  void ReadBell();
  void ReapChildren();
  void ReadLook();
  void TurnCode();
  void Flush();

  // ---- agent_host.cc: what the core wants done
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override;
  void Send(FromHost message) override;
  [[nodiscard]] std::size_t BytesToSend() const override { return out_.size(); }
  [[nodiscard]] HostFacts Facts() override;
  void LookAgain() override;
  [[nodiscard]] std::string ClaimFolder(const std::string& store_id) override;
  [[nodiscard]] std::string Folder() const override { return paths_.Store(); }
  [[nodiscard]] bool OpenBell() override;
  [[nodiscard]] bool HasBell() const override;
  [[nodiscard]] EpochRecord Epoch() const override { return ReadEpoch(paths_); }
  [[nodiscard]] bool RaiseEpoch(const EpochRecord& from, const EpochRecord& to) override;
  [[nodiscard]] std::uint64_t EpochMark() const override { return ddl::EpochMark(paths_); }
  [[nodiscard]] bool HolderMayLive(const std::string& holder,
                                   const std::string& hostname) const override;
  [[nodiscard]] std::optional<std::vector<RankId>> Jobs() const override;
  [[nodiscard]] std::string JobFolder(RankId id) const override { return paths_.Job(id); }
  [[nodiscard]] bool HasJob(RankId id) const override;
  [[nodiscard]] RankRecord Record(RankId id) const override;
  [[nodiscard]] bool IsSettled(RankId id) const override;
  [[nodiscard]] bool Settle(RankId id) override;
  void SettleLost(RankId id) override;
  [[nodiscard]] std::optional<SlotBusy> TakeBusy(RankId id) override;
  [[nodiscard]] bool WriteOrder(const Order& order) override;
  void WriteAck(RankId id, std::int64_t committed_seq) override;
  void DeleteSaved(RankId id, std::int64_t saved_seq) override;
  [[nodiscard]] std::unique_ptr<SpoolTail> OpenSpool(RankId id, std::int64_t after_seq) override;
  void RemovePipes(RankId id) override;
  [[nodiscard]] FileChunk Get(const GetFile& request) override;
  [[nodiscard]] PutFileReply Put(const PutFile& request) override;
  void TakeCode(const ToHost& message) override { code_.Pass(message, paths_); }
  [[nodiscard]] pid_t StartSupervisor(const LaunchRecord& record,
                                      std::uint64_t epoch_mark) override;
  [[nodiscard]] const std::string& BootId() const override { return boot_id_; }
  [[nodiscard]] ProcessLook LookAt(std::int64_t pid) const override;
  [[nodiscard]] std::chrono::milliseconds AgeOf(const ProcessIdentity& process) const override;
  bool Signal(const ProcessIdentity& process, int signal) override;
  void KillByToken(const std::string& token) override;
  void AwaitDeath(const ProcessIdentity& process) override;

  FileDescriptor from_;
  FileDescriptor to_;
  FileDescriptor bell_;
  FileDescriptor children_;  // a signalfd
  FileDescriptor look_;      // facts, from a child that reads them
  FrameReader look_frames_;
  CodeChild code_;
  HostPaths paths_;
  std::string leases_folder_;
  std::string boot_id_;
  FrameReader frames_;
  std::string bell_text_;  // up to the next line feed
  std::string out_;        // frames that the link has not taken
  bool is_cut_ = false;    // nothing can be written to the link any more
  AgentCore core_{*this};
};

}  // namespace ddl
