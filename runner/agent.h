// SPDX-License-Identifier: Apache-2.0
// The coordinator's hands on one host. Holds no state that matters: everything that must last lies
// in job folders, written by supervisors, so an agent may die at any moment and the next one goes
// on. One thread, one poll; no descriptor per rank.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/bell.h"
#include "runner/file.h"
#include "runner/frames.h"
#include "runner/job_folder.h"
#include "runner/launch.h"
#include "runner/messages.h"
#include "runner/spool.h"

namespace ddl {

class Agent {
 public:
  Agent(FileDescriptor link, std::string host_folder);
  // Until the link ends. Returns the exit code of the process.
  int Run();

 private:
  // A rank whose news the coordinator wants.
  struct Rank {
    std::string token;
    Slots slots;
    pid_t child = 0;  // the supervisor, where it is a child of this agent
    std::optional<StartRecord> start;
    SpoolReader spool;
    bool has_news = false;  // the spool may hold more than was read
    bool ended = false;     // Exited was sent, its leases are free
  };

  // ---- agent.cc: the loop
  void Turn();
  [[nodiscard]] int PollTimeout() const;
  void ReadLink();
  void ReadBell();
  void ReapChildren();
  void Flush();
  template <class Message>
  void Send(Message message);
  void Refuse(const std::string& reason, const std::string& hint = {});
  [[nodiscard]] bool IsFenced();

  // ---- agent_orders.cc: what the coordinator says
  void Obey(const ToHost& message);
  void On(const Hello& hello);
  void On(const Launch& launch);
  void On(const Adopt& adopt);
  void On(const Order& order);
  void On(const Ack& ack);
  void On(const Settled& settled);
  void On(const GetFile& request);
  void On(const PutFile& request);
  void On(const Heartbeat& heartbeat);
  void Deliver(const Order& order);
  void DeliverOrders();
  void Start(LaunchRecord record);
  [[nodiscard]] bool IsHeld(const Slots& slots) const;
  void StartQueued();

  // ---- agent_ranks.cc: what supervisors and the kernel say
  void Heard(const BellLine& line);
  void TellStranger(RankId id);
  void TellStarted();
  void OnStarted(RankId id, Rank& rank);
  void TellStart(Rank& rank, std::optional<StartRecord> start);
  void OnExited(RankId id, Rank& rank);
  void OnBusy(RankId id, Rank& rank);
  void OnRefused(RankId id, Rank& rank, const std::string& text);
  void OnSupervisorGone(RankId id, Rank& rank);
  // Metrics are not read from spools while this much waits for the link.
  static constexpr std::size_t kMaxWaiting = std::size_t{2} << 20U;
  void PumpMetrics();
  bool PumpMetrics(RankId id, Rank& rank);
  void CheckAdopted();
  void End(RankId id, Rank& rank, EndCause cause, const std::string& detail);
  [[nodiscard]] std::vector<FoundRank> Scan() const;
  [[nodiscard]] FoundRank Look(RankId id) const;

  FileDescriptor link_;
  FileDescriptor bell_;
  FileDescriptor children_;  // a signalfd
  HostPaths paths_;
  std::string leases_folder_;
  std::string boot_id_;
  FrameReader frames_;
  std::string bell_text_;  // up to the next line feed
  std::string out_;        // frames that the link has not taken
  std::map<RankId, Rank> ranks_;
  // Ranks whose start is not told yet, and when it is due.
  std::deque<std::pair<std::chrono::steady_clock::time_point, RankId>> fresh_;
  std::deque<LaunchRecord> queue_;  // launches that wait for a rank of ours to end
  std::vector<Order> undelivered_;  // their supervisors have not claimed their folders yet
  std::set<RankId> to_tidy_;
  std::uint64_t epoch_ = 0;  // of our coordinator
  std::uint64_t epoch_mark_ = 0;
  bool welcomed_ = false;
  bool over_ = false;
  int exit_code_ = 0;
};

}  // namespace ddl
