// SPDX-License-Identifier: Apache-2.0
// States of a trial, the legal moves between them, and the causes of an attempt's end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ddl {

// waiting → launching → running → {paused → waiting | stopping} → finished | pruned | failed |
// canceled; paused by its pruner → waiting | pruned
enum class TrialState : std::uint8_t {
  kWaiting,
  kLaunching,
  kRunning,
  kPaused,
  kStopping,
  kFinished,
  kPruned,
  kFailed,
  kCanceled,
};

[[nodiscard]] std::string_view ToString(TrialState state);
[[nodiscard]] std::optional<TrialState> ParseTrialState(std::string_view text);
[[nodiscard]] bool IsEnded(TrialState state);
// The states from which `to` may be entered without an act of the user. (`retry` and `extend`
// reopen an ended trial; that is the one other way into waiting.)
[[nodiscard]] std::span<const TrialState> LegalPredecessors(TrialState to);
[[nodiscard]] bool CanMove(TrialState from, TrialState to);

// Why an attempt ended. Whose fault it was decides whether it counts against `retries`.
enum class EndCause : std::uint8_t {
  kExited,          // by itself; the exit code says how
  kSignaled,        // killed by a signal that ddl did not send
  kOutOfMemory,     // over its memory, or killed by the kernel for memory
  kTimedOut,        // over timeout_s
  kStopped,         // ended because ddl asked: by the user, a pruner or a limit
  kCouldNotStart,   // exec failed: no such program, no such directory, not executable
  kMetricMissing,   // ended well but never reported the sweep's metric
  kSupervisorLost,  // infrastructure from here on: never counted against `retries`
  kHostRebooted,
  kLost,           // the host was silent for longer than lost_after
  kLaunchRefused,  // the host could not take it: no space, no permission, another epoch
  kWorkerLost,     // the process that it shared with other trials ended: nobody knows by whom
};

[[nodiscard]] std::string_view ToString(EndCause cause);
[[nodiscard]] std::optional<EndCause> ParseEndCause(std::string_view text);
[[nodiscard]] bool IsInfrastructure(EndCause cause);

}  // namespace ddl
