// SPDX-License-Identifier: Apache-2.0
// What an agent decides: whom it obeys, what it starts now and what it queues, what it tells of its
// ranks, and when one counts as lost. Facts in, effects through AgentHost; no clock, disk, process
// or link of its own, so the simulator runs these very objects. Holds no state that matters:
// everything that must last lies in job folders, written by supervisors, so an agent may die
// between any two effects and the next one goes on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/agent_host.h"
#include "runner/bell.h"
#include "runner/launch.h"
#include "runner/messages.h"

namespace ddl {

class AgentCore {
 public:
  explicit AgentCore(AgentHost& host) : host_(host) {}

  // ---- facts, in the order in which one turn takes them
  void Rang(const BellLine& line);
  void ChildEnded(pid_t pid);
  // After some of the two above: launches that wait for what has become free begin.
  void StartQueued();
  // Before the words of one read: false when a later coordinator has come; then nothing is obeyed.
  [[nodiscard]] bool MayBeHeard();
  void Heard(const ToHost& message);
  void Looked(HostFacts facts);
  void LinkEnded();
  // What was said makes no sense.
  void Refuse(const std::string& reason, const std::string& hint = {});
  // At the end of each turn; `is_idle` when nothing of all this came.
  void Work(bool is_idle);
  // The next turn begins so soon, whatever comes.
  [[nodiscard]] std::chrono::milliseconds TurnWithin() const;

  [[nodiscard]] bool IsOver() const { return is_over_; }
  // The last act of an agent that is over. Returns the exit code of the process.
  int Leave();

 private:
  // A rank whose news the coordinator wants.
  struct Rank {
    std::string token;
    Slots slots;
    pid_t child = 0;  // the supervisor, where it is a child of this agent
    std::optional<StartRecord> start;
    std::unique_ptr<SpoolTail> spool;
    bool has_news = false;      // the spool may hold more than was read
    bool ended = false;         // Exited was sent, its leases are free
    std::int64_t last_seq = 0;  // that Exited promised
    // Its record cannot be read since then.
    std::optional<std::chrono::steady_clock::time_point> unreadable_since = std::nullopt;
    [[nodiscard]] bool OwesReports() const { return spool->LastSeq() < last_seq; }
  };

  // An order of which its supervisor may not know.
  struct OpenOrder {
    Order order;
    bool is_written = false;
  };

  // ---- agent_core.cc: whom to obey, and what goes on by itself
  [[nodiscard]] bool EndsAsFenced();
  void DeliverOrders();
  void CheckAdopted();
  void LookAtDevices();
  void MendHostFolder();
  void EndHomeless();
  void Tidy();
  bool Settle(RankId id);
  // nullopt: something there cannot be read now, so nothing is known of it.
  [[nodiscard]] std::optional<std::vector<FoundRank>> Scan();
  [[nodiscard]] std::optional<FoundRank> Look(RankId id) const;
  [[nodiscard]] bool IsGone(const ProcessIdentity& process) const;

  // ---- agent_orders.cc: what the coordinator says
  void On(const Hello& hello);
  void On(const Launch& launch);
  void On(const Adopt& adopt);
  void On(const Order& order);
  void On(const Ack& ack);
  void On(const Settled& settled);
  void On(const Recall& recall);
  void On(const GetFile& request);
  void On(const PutFile& request);
  void On(const Heartbeat& heartbeat);
  void On(const OfferCode& offer);
  void On(const CodeBytes& piece);
  void Deliver(OpenOrder open);
  void Start(LaunchRecord record);
  [[nodiscard]] bool IsHeld(const Slots& slots) const;

  // ---- agent_ranks.cc: what supervisors and the kernel say
  [[nodiscard]] bool TellStranger(RankId id);
  void TellStarted();
  void OnStarted(RankId id, Rank& rank);
  void TellMissedStart(RankId id, Rank& rank);
  void TellStart(Rank& rank, std::optional<StartRecord> start);
  [[nodiscard]] Started TellOf(const StartRecord& start) const;
  void OnExited(RankId id, Rank& rank, RankRecord record);
  void OnBusy(RankId id, Rank& rank);
  void OnRefused(RankId id, Rank& rank, const std::string& text);
  void OnSupervisorGone(RankId id, Rank& rank);
  [[nodiscard]] bool MayBeReadLater(Rank& rank, const RankRecord& record) const;
  void KillRest(const Rank& rank);
  // Metrics are not read from spools while this much waits for the link.
  static constexpr std::size_t kMaxWaiting = std::size_t{2} << 20U;
  void PumpMetrics();
  bool PumpMetrics(RankId id, Rank& rank);
  void End(RankId id, Rank& rank, EndCause cause, const std::string& detail);
  void Forget();

  static constexpr const char* kCheckDisk = "check the disk, then give the command again";

  AgentHost& host_;
  std::map<RankId, Rank> ranks_;
  // Ranks whose start is not told yet, and when it is due.
  std::deque<std::pair<std::chrono::steady_clock::time_point, RankId>> fresh_;
  std::deque<LaunchRecord> queue_;      // launches that wait for a rank of ours to end
  std::vector<OpenOrder> undelivered_;  // no folder yet, no room, or nobody could be woken
  // Launches that ended without a folder by which they would be known, should they come again.
  std::set<RankId> unclaimed_;
  std::set<RankId> strangers_;  // that rang, and have a record that cannot be read
  std::set<RankId> to_tidy_;
  std::set<RankId> dismissed_;  // the same, but their supervisors lived when we looked
  std::string store_id_;
  HostFacts facts_;                                 // that the coordinator was told
  std::chrono::steady_clock::time_point asked_at_;  // for facts
  std::uint64_t epoch_ = 0;                         // of our coordinator
  std::string holder_;                              // who that is
  std::uint64_t epoch_mark_ = 0;
  std::chrono::steady_clock::time_point fence_seen_at_;  // when the mark was looked at
  std::chrono::steady_clock::time_point welcomed_at_;
  std::chrono::steady_clock::time_point looked_at_;
  bool owes_reports_ = false;  // a spool that could not be read to its end
  bool welcomed_ = false;
  bool was_removed_ = false;  // the host folder, while we lived
  bool is_over_ = false;
  int exit_code_ = 0;
};

}  // namespace ddl
