// SPDX-License-Identifier: Apache-2.0
// What becomes of a trial when its attempt ends: a pure function, so that the rule can be read and
// tested as a table.
//
//   never began                        waiting; nothing is counted
//   told to stop, ended by that        stop → canceled, pruner → pruned, pause → paused,
//                                      recall/resume → waiting,
//                                      part done → as exit 0
//   by a pruner that promotes, exit 75 paused
//   exit 0, metric seen or not asked   finished
//   exit 0, metric never seen          failed (metric missing); running it again would not help
//   exit 75, its part is done          finished
//   exit 75 ("continue me")            waiting, not counted; failed after 100 without any report
//   other exits, signals, memory, time failure of its own: waiting while failures ≤ retries
//   the same, by a rule of `failures`   as the next; by one that gives up: failed, with that line
//   host, supervisor, launch           waiting with a growing delay; failed after 10 of them
//   worker                             the same without a delay
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/states.h"
#include "scheduler/live_job.h"

namespace ddl {

inline constexpr int kContinueMe = 75;
inline constexpr int kMostIdleContinuations = 100;
inline constexpr int kMostMishaps = 10;

struct AttemptEnd {
  EndCause cause = EndCause::kExited;
  int exit_code = 0;
  int signal = 0;
  std::string detail;                     // the host's own line about it
  std::vector<std::string> metric_names;  // seen
  // Refused for a slot, recalled from a queue, or gone with the link it was sent over.
  bool never_began = false;
  std::string waits_because = {};  // with never_began
  bool reported = false;           // any metric in this attempt
  StopCause stop = StopCause::kNone;
  std::string stop_reason;        // with kSweepEnds and kPruned: as it is stored
  std::string pause_reason = {};  // with kPruned: the same, where it may be promoted later
  std::string metric;             // the sweep's, or ""
  bool metric_seen = false;
  bool has_done_its_part = false;  // of a training that another trial goes on with
  int retries = 0;
  int failures = 0;  // so far, as the two below
  int mishaps = 0;
  int idle_continuations = 0;
  // A line of its log, which says by configs/failure_rules.h that it was not the trial's own doing.
  std::string hosts_fault = {};
  std::string hopeless = {};  // the same: that another try would fail alike
};

struct Verdict {
  TrialState to = TrialState::kFinished;
  std::string reason;
  EndCause cause = EndCause::kExited;  // as it is stored
  std::string detail;
  int failures = 0;
  int mishaps = 0;
  int idle_continuations = 0;
  std::chrono::nanoseconds delay{0};  // before it may start again
};

[[nodiscard]] Verdict Judge(const AttemptEnd& end);

// It left by itself, asked to or not, to go on from a checkpoint.
[[nodiscard]] bool IsToBeContinued(EndCause cause, int exit_code);

// "exit code 3", "killed by signal 11 (SIGSEGV)", "out of memory: 1.2 GiB of 1 GiB", …
[[nodiscard]] std::string DescribeEnd(const AttemptEnd& end);

}  // namespace ddl
