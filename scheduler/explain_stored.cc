// SPDX-License-Identifier: Apache-2.0
#include "scheduler/explain.h"
#include "scheduler/slots_json.h"

namespace ddl {

namespace {

void AddSweep(const SweepLine& sweep, TrialFacts& facts) {
  facts.sweep = sweep.name;
  facts.metric = sweep.metric;
  facts.sweep_outcome = sweep.outcome;
  facts.sweep_reason = sweep.reason;
  if (sweep.state != SweepState::kRunning) facts.wait = WaitCause::kSweepEnded;
}

void AddAttempt(const AttemptLine& attempt, TrialFacts& facts) {
  facts.host = attempt.host;
  facts.pid = attempt.pid;
  if (const auto slots = SlotsFromJson(attempt.slots_json)) facts.devices = DescribeSlots(*slots);
  if (!attempt.cause) return;
  facts.end = EndFacts{*attempt.cause, attempt.exit_code, attempt.signal, attempt.detail};
}

}  // namespace

std::string ExplainStored(const SweepLine& sweep, const TrialLine& trial,
                          std::span<const AttemptLine> attempts) {
  TrialFacts facts;
  AddSweep(sweep, facts);
  facts.number = trial.number;
  facts.state = trial.state;
  facts.reason = trial.reason;
  facts.attempts = trial.attempts;
  facts.objective = trial.objective;
  if (!attempts.empty()) AddAttempt(attempts.back(), facts);
  return Explain(facts);
}

std::string ExplainUntouched(const SweepLine& sweep, std::int64_t number) {
  TrialFacts facts;
  AddSweep(sweep, facts);
  facts.number = number;
  return Explain(facts);
}

}  // namespace ddl
