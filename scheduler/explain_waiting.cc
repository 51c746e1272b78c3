// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/explain_parts.h"

namespace ddl {

namespace {

std::string OthersText(const TrialFacts& facts) {
  if (facts.ahead == 0) return {};
  return facts.ahead == 1
             ? " for its turn: 1 trial is before it, which waits"
             : fmt::format(" for its turn: {} trials are before it, the first of which waits",
                           facts.ahead);
}

// What it, or the first one before it, waits for: goes on after "waits".
std::string CauseText(const TrialFacts& facts) {
  switch (facts.wait) {
    case WaitCause::kUnknown:
      return ": nobody runs its sweep at the moment";
    case WaitCause::kStartsNow:
      return " for nothing: it starts at once";
    case WaitCause::kCores:
      return fmt::format(" for a free core: it asks for {}, and {}", facts.request, facts.have);
    case WaitCause::kGpus:
      return fmt::format(" for a free GPU: it asks for {}, and {}", facts.request, facts.have);
    case WaitCause::kMemory:
      return fmt::format(" for free memory: it asks for {}, and {}", facts.request, facts.have);
    case WaitCause::kForeign:
      return fmt::format(" for a device that is not free: {}", facts.holder);
    case WaitCause::kReserved:
      return fmt::format(" because free devices are held for {}, which has waited long",
                         facts.holder);
    case WaitCause::kParallel:
      return fmt::format(" because `parallel` is {}, and as many run", facts.parallel);
    case WaitCause::kHost:
      return fmt::format(" for {}", facts.holder);
    case WaitCause::kHostClosed:
      return fmt::format(", as no host of its takes trials: {}", facts.holder);
    case WaitCause::kHostUnseen:
      return fmt::format(" for {} to answer for the first time", facts.holder);
    case WaitCause::kCode:
      return fmt::format(" for {}:{}", facts.have, facts.holder);
    case WaitCause::kCheckpoint:
      return fmt::format(" for room on {}, where its checkpoint lies{}", facts.holder, facts.have);
    case WaitCause::kSearch:
      return " for the search to propose its configuration";
    case WaitCause::kParents:
      return " for a trial of the generation before it to end, from whose checkpoint it goes on";
    case WaitCause::kSweepPaused:
      return " because you paused the sweep";
    case WaitCause::kDelay:
      return fmt::format(" {} s before it is tried again", FormatNumber(facts.delay_s));
    case WaitCause::kLeaving:
      return " because the coordinator is about to leave";
    case WaitCause::kSweepEnded:
      return fmt::format(" for nothing: its sweep ended before its turn came: {}",
                         facts.sweep_reason);
  }
  return {};
}

std::string SweepEndedRemedy(const TrialFacts& facts) {
  if (facts.sweep_reason.starts_with(kNeverFits)) {
    return "Change the spec and run it again: ddl sweep";
  }
  switch (facts.sweep_outcome) {
    case SweepOutcome::kLimitReached:
      return "Raise the limit in the spec and run it again: ddl sweep";
    case SweepOutcome::kTargetReached:
      return "Nothing needs to be done.";
    default:
      return "Go on with what is left: run the spec again with ddl sweep";
  }
}

std::string RemedyText(const TrialFacts& facts) {
  switch (facts.wait) {
    case WaitCause::kUnknown:
      return "Go on: run the spec again with ddl sweep";
    case WaitCause::kCores:
    case WaitCause::kGpus:
    case WaitCause::kMemory:
      return fmt::format("It starts by itself when running trials end; to see them: ddl status {}",
                         facts.sweep);
    case WaitCause::kForeign:
      return "It is tried again every few seconds, and elsewhere as soon as something is free.";
    case WaitCause::kParallel:
      return "More at once: raise `parallel` in the spec and run ddl sweep again.";
    case WaitCause::kHost:
      return "Trials that run there go on; it is tried again by itself. Check it: ddl doctor";
    case WaitCause::kHostClosed:
      return "Let a host take trials again: ddl hosts resume NAME";
    case WaitCause::kCheckpoint:
      return "Where another host has room sooner, its checkpoint is brought there.";
    case WaitCause::kSweepPaused:
      return fmt::format("Let it go on: ddl resume {}", facts.sweep);
    case WaitCause::kLeaving:
      return "Go on later: run the spec again with ddl sweep";
    case WaitCause::kSweepEnded:
      return SweepEndedRemedy(facts);
    default:
      return "Nothing needs to be done.";
  }
}

}  // namespace

std::string DescribeWait(const TrialFacts& facts) {
  return "waits" + CauseText(facts);
}

std::string ExplainWaiting(const TrialFacts& facts) {
  const std::string before =
      facts.reason.empty() ? std::string() : fmt::format(" ({})", facts.reason);
  return fmt::format("{} waits{}{}{}. {}", NameOf(facts), before, OthersText(facts),
                     CauseText(facts), RemedyText(facts));
}

}  // namespace ddl
