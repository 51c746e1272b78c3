// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/explain_parts.h"
#include "scheduler/reasons.h"
#include "scheduler/verdict.h"

namespace ddl {

namespace {

std::string AttemptsText(const TrialFacts& facts) {
  return facts.attempts > 1 ? fmt::format(" after {} attempts", facts.attempts) : std::string();
}

std::string SeeLog(const TrialFacts& facts) {
  return fmt::format("See why: ddl logs {}; once mended: ddl retry {}", PathOf(facts),
                     PathOf(facts));
}

std::string Retry(const TrialFacts& facts, std::string_view advice) {
  return fmt::format("{}, then: ddl retry {}", advice, PathOf(facts));
}

std::string FailureRemedy(const TrialFacts& facts) {
  switch (facts.end ? facts.end->cause : EndCause::kExited) {
    case EndCause::kExited:
      if (facts.end && facts.end->exit_code == kContinueMe) {
        return Retry(facts, "A trial that leaves with 75 has to report a metric now and then");
      }
      return SeeLog(facts);
    case EndCause::kSignaled:
    case EndCause::kStopped:
      return SeeLog(facts);
    case EndCause::kOutOfMemory:
      return Retry(facts, "Raise `resources.memory` in the spec, or make the trial smaller");
    case EndCause::kTimedOut:
      return Retry(facts, "Raise `timeout_s` in the spec, or make the trial shorter");
    case EndCause::kCouldNotStart:
      return Retry(facts, "Mend `program` or `command` in the spec");
    case EndCause::kMetricMissing:
      return Retry(facts, "Let the script print it, or mend `metric.name` in the spec");
    case EndCause::kSupervisorLost:
      return Retry(facts, "Something on the host kills processes: look there for a memory killer");
    case EndCause::kHostRebooted:
      return Retry(facts, "Find out why the host reboots");
    case EndCause::kLost:
      return Retry(facts, "Find out why the host does not answer");
    case EndCause::kLaunchRefused:
      return Retry(facts, "Look after the host: ddl doctor");
    case EndCause::kWorkerLost:
      return Retry(facts, "Set `fusion: off` in the spec: each trial then has its own process");
  }
  return {};
}

std::string ExplainFinished(const TrialFacts& facts) {
  if (facts.metric.empty() || !facts.objective) {
    return fmt::format("{} finished{}.", NameOf(facts), AttemptsText(facts));
  }
  return fmt::format("{} finished with {} {}{}.", NameOf(facts), facts.metric,
                     FormatNumber(*facts.objective), AttemptsText(facts));
}

std::string CanceledRemedy(const TrialFacts& facts) {
  const std::string_view reason = facts.reason;
  if (!reason.starts_with(kSweepEnded)) {
    return fmt::format("Run it after all: ddl retry {}", PathOf(facts));
  }
  switch (facts.sweep_outcome) {
    case SweepOutcome::kTargetReached:
      return "Its value was not needed any more.";
    case SweepOutcome::kLimitReached:
      return fmt::format("Raise the limit in the spec, then: ddl retry {}", PathOf(facts));
    default:
      return fmt::format("Run it after all: ddl retry {}", PathOf(facts));
  }
}

}  // namespace

std::string ExplainEnded(const TrialFacts& facts) {
  switch (facts.state) {
    case TrialState::kFinished:
      return ExplainFinished(facts);
    case TrialState::kFailed:
      return fmt::format("{} failed{}: {}. {}", NameOf(facts), AttemptsText(facts), facts.reason,
                         FailureRemedy(facts));
    case TrialState::kPruned:
      return fmt::format("{} was pruned: {}. Nothing needs to be done.", NameOf(facts),
                         facts.reason);
    default:
      return fmt::format("{} was canceled: {}. {}", NameOf(facts), facts.reason,
                         CanceledRemedy(facts));
  }
}

}  // namespace ddl
