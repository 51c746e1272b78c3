// SPDX-License-Identifier: Apache-2.0
// A supervisor while its trial runs.
#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "runner/supervisor_core.h"

namespace ddl {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kKillEvery{50};
constexpr milliseconds kRetryEvery{100};

std::string Gib(std::int64_t kib) {
  return fmt::format("{:.1f} GiB", double(kib) / (1 << 20));
}

}  // namespace

milliseconds SupervisorCore::TurnWithin() const {
  const Clock::time_point now = host_.Now();
  Clock::time_point next = now + std::chrono::hours(1);
  if (phase_ == Phase::kRunning && launch_.timeout) {
    next = std::min(next, started_ + *launch_.timeout);
  }
  if (phase_ != Phase::kRunning) next = std::min(next, kill_at_);
  if (launch_.slots.memory_mib > 0) next = std::min(next, memory_at_);
  if (enclose_at_) next = std::min(next, *enclose_at_);
  // What the disk refuses is rung for once it is written: until then there is nothing to hurry for.
  if (rung_seq_ < host_.LastSeq() && !host_.HasUnwritten()) next = std::min(next, ring_at_);
  if (host_.HasUnwritten() || said_held_back_ || owes_order_)
    next = std::min(next, now + kRetryEvery);
  return std::max(duration_cast<milliseconds>(next - now) + milliseconds(1), milliseconds(0));
}

void SupervisorCore::Work() {
  if (HasSteps()) return;  // the tree is gone
  if (owes_order_) ObeyOrders();
  KeepDeadlines();
  (void)host_.FlushSpool();  // refused by the disk: kept, and tried again
  RingMetrics();
}

void SupervisorCore::Woken() {
  ObeyOrders();
}

void SupervisorCore::ToldToEnd() {
  End(EndCause::kStopped, "its supervisor was told to end");
}

void SupervisorCore::ProcessEnded(pid_t pid, int status, std::int64_t peak_kib,
                                  std::int64_t cpu_ms) {
  if (pid == trial_) status_ = status;
  peak_kib_ = std::max(peak_kib_, peak_kib);
  cpu_ms_ += cpu_ms;
}

// What the first process left behind is part of the tree and ends with it.
void SupervisorCore::Reaped(bool tree_is_gone) {
  if (tree_is_gone) {
    phase_ = Phase::kDrain;
  } else if (status_ && phase_ == Phase::kRunning) {
    Terminate();
  }
}

void SupervisorCore::ObeyOrders() {
  while (true) {
    const auto [order, is_unreadable] = host_.ReadOrder(next_order_);
    owes_order_ = is_unreadable;
    if (!order) return;
    ++next_order_;
    switch (order->kind) {
      case OrderKind::kStop:
        End(EndCause::kStopped, "stopped");
        break;
      case OrderKind::kKill:
        End(EndCause::kStopped, "killed");
        phase_ = Phase::kKilling;
        kill_at_ = host_.Now();
        break;
      case OrderKind::kControl:
        if (!order->line.empty()) host_.Control(order->line);
        break;
    }
  }
}

// TERM to all now, KILL after the grace. The first reason stands.
void SupervisorCore::End(EndCause cause, const std::string& detail) {
  if (!forced_ && !status_) {
    forced_ = cause;
    detail_ = detail;
  }
  if (phase_ != Phase::kRunning) return;
  Terminate();
  host_.SignalTree(SIGCONT);  // who is stopped hears TERM only when it goes on
}

void SupervisorCore::Terminate() {
  phase_ = Phase::kTerminating;
  kill_at_ = host_.Now() + launch_.grace;
  host_.SignalTree(SIGTERM);
}

bool SupervisorCore::IsTimeUp(Clock::time_point now) const {
  if (PlantedBug(Bug::kWallClockTimeout)) {
    return milliseconds(host_.UnixMs() - started_unix_ms_) >= *launch_.timeout;
  }
  return now >= started_ + *launch_.timeout;
}

void SupervisorCore::KeepDeadlines() {
  const Clock::time_point now = host_.Now();
  if (phase_ == Phase::kRunning && launch_.timeout && IsTimeUp(now)) {
    const double seconds = static_cast<double>(launch_.timeout->count()) / 1000;
    End(EndCause::kTimedOut, fmt::format("longer than timeout_s: {}", seconds));
  }
  if (enclose_at_ && now >= *enclose_at_) Enclose();
  if (launch_.slots.memory_mib > 0 && now >= memory_at_) CheckMemory();
  if (phase_ == Phase::kRunning || now < kill_at_) return;
  phase_ = Phase::kKilling;
  kill_at_ = now + kKillEvery;  // again and again: a tree may fork faster than we see it
  host_.KillTree();
}

void SupervisorCore::Enclose() {
  enclose_at_.reset();
  memory_kills_before_ = host_.OutOfMemoryKills();
  host_.EncloseTree();
}

void SupervisorCore::CheckMemory() {
  memory_at_ = host_.Now() + options_.memory_check_interval;
  const std::int64_t kib = host_.TreeMemoryKib();
  peak_kib_ = std::max(peak_kib_, kib);
  const std::int64_t limit = launch_.slots.memory_mib * 1024;
  if (kib <= limit || forced_) return;
  End(EndCause::kOutOfMemory, fmt::format("{} of {}", Gib(kib), Gib(limit)));
  kill_at_ = host_.Now();  // no grace: the host's memory is at stake
}

void SupervisorCore::RingMetrics() {
  const Clock::time_point now = host_.Now();
  if (rung_seq_ == host_.LastSeq() || host_.HasUnwritten() || now < ring_at_) return;
  ring_at_ = now + options_.bell_interval;
  if (host_.Ring({News::kMetrics, launch_.id, {}})) rung_seq_ = host_.LastSeq();
}

bool SupervisorCore::MayRead() {
  const bool held = IsHeldBack();
  if (held && !said_held_back_) {
    const char* why = host_.HasUnwritten()
                          ? "the disk refuses its metrics; free some disk space, then it goes on"
                          : "its metrics are not taken";
    host_.Ring({News::kNotice, launch_.id,
                fmt::format("trial {} of {} waits: {}", launch_.trial_number, launch_.sweep, why)});
  }
  said_held_back_ = held;
  return !held;
}

bool SupervisorCore::IsHeldBack() {
  const std::int64_t limit = options_.spool_limit_bytes;
  return host_.UnacknowledgedBytes(limit) > limit || (host_.HasUnwritten() && !host_.FlushSpool());
}

}  // namespace ddl
