// SPDX-License-Identifier: Apache-2.0
#include "scheduler/verdict.h"

#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/planted_bugs.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

constexpr std::size_t kNamesShown = 10;

std::string WithDetail(std::string_view text, const std::string& detail) {
  return detail.empty() ? std::string(text) : fmt::format("{}: {}", text, detail);
}

std::string SignalText(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("killed by signal {}", signal)
                         : fmt::format("killed by signal {} (SIG{})", signal, name);
}

Verdict Continue(const AttemptEnd& end, std::string reason) {
  return {.to = TrialState::kWaiting,
          .reason = std::move(reason),
          .cause = end.cause,
          .detail = end.detail,
          .failures = end.failures,
          .mishaps = end.mishaps,
          .idle_continuations = end.idle_continuations};
}

Verdict EndWith(const AttemptEnd& end, TrialState to, std::string reason) {
  Verdict verdict = Continue(end, std::move(reason));
  verdict.to = to;
  return verdict;
}

// 1 s, 2 s, 4 s, … at most a minute: a full disk is not cured by trying again at once.
std::chrono::nanoseconds DelayAfter(int mishaps) {
  constexpr int kMostDoublings = 6;
  if (mishaps >= kMostDoublings) return std::chrono::minutes(1);
  return std::chrono::seconds(1 << (mishaps - 1));
}

Verdict JudgeMishap(const AttemptEnd& end) {
  const int mishaps = end.mishaps + 1;
  const std::string what =
      DescribeEnd(end) + (end.hosts_fault.empty() ? "" : " (" + end.hosts_fault + ")");
  Verdict verdict =
      mishaps > kMostMishaps
          ? EndWith(end, TrialState::kFailed, fmt::format("{}, {} times in all", what, mishaps))
          : Continue(end, fmt::format("starts anew after: {}", what));
  verdict.mishaps = mishaps;
  // Among fewer neighbours it may start at once.
  if (end.cause != EndCause::kWorkerLost) verdict.delay = DelayAfter(mishaps);
  return verdict;
}

Verdict JudgeOwnFailure(const AttemptEnd& end) {
  if (!end.hosts_fault.empty()) return JudgeMishap(end);
  const int failures = end.failures + 1;
  const std::string what = end.hopeless.empty() ? DescribeEnd(end) : end.hopeless;
  Verdict verdict =
      failures > end.retries || !end.hopeless.empty()
          ? EndWith(end, TrialState::kFailed, what)
          : Continue(end, fmt::format("retry {} of {} after: {}", failures, end.retries, what));
  verdict.failures = failures;
  return verdict;
}

Verdict JudgeContinuation(const AttemptEnd& end) {
  Verdict verdict = Continue(end, "goes on where it left off");
  verdict.idle_continuations = end.reported ? 0 : end.idle_continuations + 1;
  if (verdict.idle_continuations < kMostIdleContinuations) return verdict;
  verdict.to = TrialState::kFailed;
  verdict.reason = fmt::format("asked to be continued {} times in a row without reporting anything",
                               kMostIdleContinuations);
  return verdict;
}

Verdict JudgeSuccess(const AttemptEnd& end) {
  if (end.metric.empty() || end.metric_seen) return EndWith(end, TrialState::kFinished, "");
  AttemptEnd missing = end;
  missing.cause = EndCause::kMetricMissing;
  Verdict verdict = EndWith(missing, TrialState::kFailed, DescribeEnd(missing));
  verdict.detail = verdict.reason;
  return verdict;
}

Verdict JudgeByCause(const AttemptEnd& end) {
  switch (end.cause) {
    case EndCause::kExited:
      if (end.exit_code == 0) return JudgeSuccess(end);
      if (end.exit_code == kContinueMe && end.has_done_its_part) return JudgeSuccess(end);
      if (end.exit_code == kContinueMe) return JudgeContinuation(end);
      return JudgeOwnFailure(end);
    case EndCause::kSignaled:
    case EndCause::kOutOfMemory:
    case EndCause::kTimedOut:
    case EndCause::kCouldNotStart:
    case EndCause::kMetricMissing:
      return JudgeOwnFailure(end);
    case EndCause::kSupervisorLost:
      return PlantedBug(Bug::kLostIsDone) ? JudgeSuccess(end) : JudgeMishap(end);
    case EndCause::kStopped:  // by nobody whom this coordinator knows
    case EndCause::kHostRebooted:
    case EndCause::kLost:
    case EndCause::kLaunchRefused:
    case EndCause::kWorkerLost:
      return JudgeMishap(end);
  }
  return JudgeMishap(end);
}

bool EndedWell(const AttemptEnd& end) {
  return end.cause == EndCause::kExited && end.exit_code == 0;
}

// What has a checkpoint can be taken up again. That is told with the attempt too, for `ddl report`.
Verdict JudgePruned(const AttemptEnd& end) {
  const bool can_go_on = !end.never_began && IsToBeContinued(end.cause, end.exit_code);
  if (!can_go_on || end.pause_reason.empty()) {
    return EndWith(end, TrialState::kPruned, end.stop_reason);
  }
  Verdict verdict = EndWith(end, TrialState::kPaused, end.pause_reason);
  verdict.detail = end.pause_reason;
  return verdict;
}

// It had to go back to waiting anyway, or was stopped by our own order.
Verdict JudgeStopped(const AttemptEnd& end) {
  switch (end.stop) {
    case StopCause::kUserStop:
      return EndWith(end, TrialState::kCanceled, std::string(kStoppedByUser));
    case StopCause::kUserPause:
      return EndWith(end, TrialState::kPaused, std::string(kPausedByUser));
    case StopCause::kSweepEnds:
      // What never began is no more canceled than those that were never sent.
      if (end.never_began) return Continue(end, "");
      return EndWith(end, TrialState::kCanceled, end.stop_reason);
    case StopCause::kPruned:
      return JudgePruned(end);
    case StopCause::kPartDone:
      return JudgeSuccess(end);
    case StopCause::kNone:
    case StopCause::kResumed:
    case StopCause::kRecall:
      break;
  }
  return Continue(
      end, end.stop == StopCause::kResumed ? std::string(kResumedByUser) : end.waits_because);
}

}  // namespace

Verdict Judge(const AttemptEnd& end) {
  if (end.never_began) return JudgeStopped(end);
  if (end.stop == StopCause::kNone || EndedWell(end)) return JudgeByCause(end);
  const bool obeyed = end.cause == EndCause::kStopped ||
                      (end.cause == EndCause::kExited && end.exit_code == kContinueMe);
  if (obeyed) return JudgeStopped(end);
  // It failed before the order reached it. A failure for good stays one; what would be tried again
  // is not, when it was to stop.
  Verdict verdict = JudgeByCause(end);
  const bool is_own_end = verdict.to != TrialState::kWaiting && end.stop != StopCause::kUserStop &&
                          end.stop != StopCause::kSweepEnds;
  const bool was_to_go_on = end.stop == StopCause::kRecall || end.stop == StopCause::kResumed ||
                            end.stop == StopCause::kPartDone;
  if (is_own_end || was_to_go_on) return verdict;
  Verdict stopped = JudgeStopped(end);
  stopped.failures = verdict.failures;
  stopped.mishaps = verdict.mishaps;
  return stopped;
}

bool IsToBeContinued(EndCause cause, int exit_code) {
  return exit_code == kContinueMe && (cause == EndCause::kExited || cause == EndCause::kStopped);
}

std::string DescribeEnd(const AttemptEnd& end) {
  switch (end.cause) {
    case EndCause::kExited:
      return fmt::format("exit code {}", end.exit_code);
    case EndCause::kSignaled:
      return SignalText(end.signal);
    case EndCause::kMetricMissing: {
      const auto& names = end.metric_names;
      const bool is_long = names.size() > kNamesShown;
      const std::vector<std::string> shown(names.begin(),
                                           is_long ? names.begin() + kNamesShown : names.end());
      return fmt::format("metric \"{}\" was never reported; seen: {}{}", end.metric,
                         names.empty() ? "none" : fmt::format("{}", fmt::join(shown, ", ")),
                         is_long ? ", …" : "");
    }
    default:
      return WithDetail(ToString(end.cause), end.detail);
  }
}

}  // namespace ddl
