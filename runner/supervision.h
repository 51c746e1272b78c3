// SPDX-License-Identifier: Apache-2.0
// A supervisor's life from the trial's first process to the end of its tree: one thread, one poll.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runner/bell.h"
#include "runner/cgroup.h"
#include "runner/metric_intake.h"
#include "runner/spool.h"
#include "runner/supervisor.h"
#include "runner/trial_log.h"
#include "runner/trial_start.h"

namespace ddl {

class Supervision {
 public:
  Supervision(const LaunchRecord& launch, const HostPaths& paths, const SupervisorOptions& options,
              Bell& bell);

  // Before the trial starts: signals of children and of the host's shutdown become readable.
  [[nodiscard]] TrialPipes& Pipes() { return pipes_; }
  void NoteStarted(pid_t trial);
  // Watches until nothing of the trial's tree is left; then says how it ended.
  [[nodiscard]] ExitRecord Run();
  // How it ended that it never started.
  [[nodiscard]] ExitRecord CouldNotStart(const std::string& problem);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t { kRunning, kTerminating, kKilling };

  void Turn();
  [[nodiscard]] int PollTimeout() const;
  void ReadSignals();
  void Reap();
  void ReadOutput(bool to_the_end);
  void ReadMetrics();
  void ObeyOrders();
  void KeepDeadlines();
  void CheckMemory();
  void Enclose();
  void End(EndCause cause, const std::string& detail);
  void RingMetrics(bool at_once);
  [[nodiscard]] bool IsHeldBack();
  void FillRecord(ExitRecord& record);

  const LaunchRecord& launch_;
  const SupervisorOptions& options_;
  Bell& bell_;
  std::string folder_;
  TrialPipes pipes_;
  FileDescriptor signals_;
  SpoolWriter spool_;
  TrialLog log_;
  MetricIntake intake_;
  int next_order_ = 1;

  Phase phase_ = Phase::kRunning;
  pid_t trial_ = -1;
  std::optional<int> status_;  // of the first process, once it has ended
  bool tree_is_gone_ = false;
  std::optional<EndCause> forced_;  // why we ended it
  std::string detail_;
  std::int64_t peak_kib_ = 0;
  std::int64_t cpu_ms_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point kill_at_;  // in kTerminating; in kKilling the next round
  Clock::time_point memory_at_ = started_;
  Clock::time_point ring_at_ = started_;
  std::optional<Clock::time_point> enclose_at_;  // until it is done
  std::optional<Cgroup> cgroup_;
  std::int64_t memory_kills_before_ = 0;  // of the whole host, when the trial was enclosed
  std::int64_t rung_seq_ = 0;
  bool said_held_back_ = false;
};

}  // namespace ddl
