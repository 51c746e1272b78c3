// SPDX-License-Identifier: Apache-2.0
#include "scheduler/explain.h"

#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/explain_parts.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

std::string Where(const TrialFacts& facts) {
  std::string where = facts.host.empty() ? "" : " on " + facts.host;
  if (!facts.devices.empty()) where += fmt::format(" ({})", facts.devices);
  return where;
}

std::string ExplainRunning(const TrialFacts& facts) {
  return fmt::format("{} runs{}, attempt {}{}. Watch it: ddl logs --follow {}", NameOf(facts),
                     Where(facts), facts.attempts,
                     facts.pid == 0 ? std::string() : fmt::format(", pid {}", facts.pid),
                     PathOf(facts));
}

std::string ExplainStopping(const TrialFacts& facts) {
  return fmt::format(
      "{} was told to stop and may still write a checkpoint; what is left of it "
      "after the grace period is killed. Nothing needs to be done.",
      NameOf(facts));
}

std::string ExplainPaused(const TrialFacts& facts) {
  if (!std::string_view(facts.reason).starts_with(kPausedByPruner)) {
    return fmt::format("{} was paused by you. Let it go on: ddl resume {}", NameOf(facts),
                       PathOf(facts));
  }
  return fmt::format(
      "{} was {}. It goes on by itself should others turn out to be worse, and is pruned when its "
      "sweep is over. Let it go on now: ddl resume {}",
      NameOf(facts), facts.reason, PathOf(facts));
}

}  // namespace

std::string NameOf(const TrialFacts& facts) {
  return "Trial " + PathOf(facts);
}

std::string PathOf(const TrialFacts& facts) {
  return fmt::format("{}/{}", facts.sweep, facts.number);
}

std::string Explain(const TrialFacts& facts) {
  switch (facts.state) {
    case TrialState::kWaiting:
      return ExplainWaiting(facts);
    case TrialState::kLaunching:
      return fmt::format("{} is being started{}, attempt {}. Nothing needs to be done.",
                         NameOf(facts), Where(facts), facts.attempts);
    case TrialState::kRunning:
      return ExplainRunning(facts);
    case TrialState::kStopping:
      return ExplainStopping(facts);
    case TrialState::kPaused:
      return ExplainPaused(facts);
    case TrialState::kFinished:
    case TrialState::kPruned:
    case TrialState::kFailed:
    case TrialState::kCanceled:
      return ExplainEnded(facts);
  }
  return {};
}

}  // namespace ddl
