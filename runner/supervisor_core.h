// SPDX-License-Identifier: Apache-2.0
// What a supervisor decides, from the claim of the rank's folder to its exit record: whether to
// start at all, which orders to obey, when the trial's time is up, whom to end how, why it ended.
// Facts in, effects through SupervisorHost; no clock, disk or process of its own, so the simulator
// runs these very objects. It may be killed between any two effects.
//
//   kClaim → kLease → kPrepare → kExec → kRunning → kTerminating → kKilling
//                                             └──── the tree is gone ────┴→ kDrain → kRecord →
//                                             kGone
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runner/launch.h"
#include "runner/supervisor.h"
#include "runner/supervisor_host.h"

namespace ddl {

class SupervisorCore {
 public:
  SupervisorCore(const LaunchRecord& launch, const SupervisorOptions& options, SupervisorHost& host)
      : launch_(launch), options_(options), host_(host) {}

  // ---- before and after the trial: one step at a time; then so long until the next
  [[nodiscard]] bool HasSteps() const {
    return phase_ < Phase::kRunning || phase_ > Phase::kKilling;
  }
  [[nodiscard]] bool IsGone() const { return phase_ == Phase::kGone; }
  std::chrono::milliseconds Step();

  // ---- while it runs: facts, then Work at the end of each turn
  // False: its pipes are not read. It waits in its next write, and nothing is lost.
  [[nodiscard]] bool MayRead();
  void Woken();      // orders may lie there
  void ToldToEnd();  // by the host
  void ProcessEnded(pid_t pid, int status, std::int64_t peak_kib, std::int64_t cpu_ms);
  void Reaped(bool tree_is_gone);
  void Work();
  [[nodiscard]] std::chrono::milliseconds TurnWithin() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t {
    kClaim,
    kLease,
    kPrepare,
    kExec,
    kRunning,
    kTerminating,
    kKilling,
    kDrain,
    kRecord,
    kGone,
  };

  // ---- supervisor_core.cc: steps
  void Claim();
  void Lease();
  void Prepare();
  void Exec();
  void Drain();
  void WriteRecord();
  void Refuse(const std::string& reason);
  void FillRecord();
  // ---- supervisor_watch.cc: while it runs
  void ObeyOrders();
  [[nodiscard]] bool IsTimeUp(Clock::time_point now) const;
  void KeepDeadlines();
  void CheckMemory();
  void Enclose();
  void End(EndCause cause, const std::string& detail);
  void Terminate();
  void RingMetrics();
  [[nodiscard]] bool IsHeldBack();

  const LaunchRecord& launch_;
  const SupervisorOptions& options_;
  SupervisorHost& host_;
  Phase phase_ = Phase::kClaim;
  bool has_taken_rest_ = false;
  int next_order_ = 1;
  bool owes_order_ = false;  // the next one cannot be read now
  pid_t trial_ = -1;
  std::optional<int> status_;       // of the first process, once it has ended
  std::optional<EndCause> forced_;  // why we ended it
  std::string detail_;
  std::int64_t peak_kib_ = 0;
  std::int64_t cpu_ms_ = 0;
  std::int64_t started_unix_ms_ = 0;
  Clock::time_point started_;
  Clock::time_point kill_at_;  // in kTerminating; in kKilling the next round
  Clock::time_point memory_at_;
  Clock::time_point ring_at_;
  std::optional<Clock::time_point> enclose_at_;  // until it is done
  std::int64_t memory_kills_before_ = 0;         // of the whole host, when the trial was enclosed
  std::int64_t rung_seq_ = 0;
  bool said_held_back_ = false;
  ExitRecord record_;
};

}  // namespace ddl
