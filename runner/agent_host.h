// SPDX-License-Identifier: Apache-2.0
// What an agent's decisions (runner/agent_core.h) need of the host that they are made on: its link,
// clock, folders and processes. The product's is runner/agent.h, the simulator has one of its own.
// Nothing here decides: what is refused or missing is told, and the core says what follows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "runner/host_folder.h"
#include "runner/messages.h"
#include "runner/process.h"
#include "runner/rank_record.h"

namespace ddl {

// A rank's reports, read while its spool grows.
class SpoolTail {
 public:
  virtual ~SpoolTail() = default;
  // The next reports with consecutive seqs; empty when there are no more yet.
  [[nodiscard]] virtual std::vector<MetricReport> Read() = 0;
  [[nodiscard]] virtual std::int64_t LastSeq() const = 0;
};

class AgentHost {
 public:
  virtual ~AgentHost() = default;

  // ---- clock and link
  [[nodiscard]] virtual std::chrono::steady_clock::time_point Now() const = 0;
  virtual void Send(FromHost message) = 0;
  [[nodiscard]] virtual std::size_t BytesToSend() const = 0;  // that the link has not taken

  // ---- the host's folder
  [[nodiscard]] virtual HostFacts Facts() = 0;
  // Begins to read them anew, beside all else: AgentCore::Looked gets them.
  virtual void LookAgain() = 0;
  // Makes what is missing of the store's folder. "" or why it cannot be used.
  [[nodiscard]] virtual std::string ClaimFolder(const std::string& store_id) = 0;
  [[nodiscard]] virtual std::string Folder() const = 0;  // of the store
  [[nodiscard]] virtual bool OpenBell() = 0;
  [[nodiscard]] virtual bool HasBell() const = 0;  // false: certainly no such name
  [[nodiscard]] virtual EpochRecord Epoch() const = 0;
  // False: it cannot be written, or is not `from` any more.
  [[nodiscard]] virtual bool RaiseEpoch(const EpochRecord& from, const EpochRecord& to) = 0;
  [[nodiscard]] virtual std::uint64_t EpochMark() const = 0;
  [[nodiscard]] virtual bool HolderMayLive(const std::string& holder,
                                           const std::string& hostname) const = 0;

  // ---- job folders
  // In no order; nullopt: they cannot be read now.
  [[nodiscard]] virtual std::optional<std::vector<RankId>> Jobs() const = 0;
  [[nodiscard]] virtual std::string JobFolder(RankId id) const = 0;
  [[nodiscard]] virtual bool HasJob(RankId id) const = 0;  // false: certainly none
  [[nodiscard]] virtual RankRecord Record(RankId id) const = 0;
  [[nodiscard]] virtual bool IsSettled(RankId id) const = 0;
  // From now on nothing is looked for in its folder. False: it has no exit record.
  [[nodiscard]] virtual bool Settle(RankId id) = 0;
  virtual void SettleLost(RankId id) = 0;  // the same for one with a start record only
  // Why its leases were refused, told once.
  [[nodiscard]] virtual std::optional<SlotBusy> TakeBusy(RankId id) = 0;
  // False: no folder yet, or no room.
  [[nodiscard]] virtual bool WriteOrder(const Order& order) = 0;
  virtual void WriteAck(RankId id, std::int64_t committed_seq) = 0;
  virtual void DeleteSaved(RankId id, std::int64_t saved_seq) = 0;
  [[nodiscard]] virtual std::unique_ptr<SpoolTail> OpenSpool(RankId id, std::int64_t after_seq) = 0;
  virtual void RemovePipes(RankId id) = 0;
  [[nodiscard]] virtual FileChunk Get(const GetFile& request) = 0;
  [[nodiscard]] virtual PutFileReply Put(const PutFile& request) = 0;
  // Snapshots of workdirs, OfferCode and CodeBytes: done beside all else, which Send tells of.
  virtual void TakeCode(const ToHost& message) = 0;

  // ---- processes
  // A supervisor for the rank, as a child of this agent; 0 when the host has no more processes.
  // Which gives up where a later agent has changed the mark before the trial starts.
  [[nodiscard]] virtual pid_t StartSupervisor(const LaunchRecord& record,
                                              std::uint64_t epoch_mark) = 0;
  [[nodiscard]] virtual const std::string& BootId() const = 0;
  [[nodiscard]] virtual ProcessLook LookAt(std::int64_t pid) const = 0;
  // Since a process of this boot began, dead or alive.
  [[nodiscard]] virtual std::chrono::milliseconds AgeOf(const ProcessIdentity& process) const = 0;
  // To that very process; false when it is gone, or cannot be reached now.
  virtual bool Signal(const ProcessIdentity& process, int signal) = 0;
  virtual void KillByToken(const std::string& token) = 0;
  // Waits a moment for a process that has nothing left to do.
  virtual void AwaitDeath(const ProcessIdentity& process) = 0;
};

}  // namespace ddl
