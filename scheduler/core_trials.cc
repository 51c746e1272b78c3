// SPDX-License-Identifier: Apache-2.0
// Moves of trials, each with what the store is told of it.
#include <cassert>
#include <cmath>

#include "configs/json.h"
#include "scheduler/core_state.h"

namespace ddl {

void Core::State::EnsureRow(SweepRun& sweep, std::int64_t number, Turn& turn) {
  TrialRecord& trial = sweep.trials.Touch(number);
  if (trial.id) return;
  const Configuration* configuration = sweep.proposals.Find(sweep.ConfigurationOf(number));
  assert(configuration != nullptr);
  trial.id = TrialId{++given.trials};
  turn.Commit(TrialAdded{trial.id, sweep.id, number, sweep.ConfigurationOf(number),
                         sweep.SeedOf(number), DumpJson(*configuration), turn.now.unix_ms});
}

void Core::State::Move(SweepRun& sweep, std::int64_t number, TrialState to,
                       const std::string& reason, Turn& turn) {
  sweep.trials.Move(number, to);
  const TrialRecord& trial = sweep.trials.Touch(number);
  turn.Commit(TrialMoved{trial.id, to, reason, trial.failures, false, turn.now.unix_ms});
}

void Core::State::Reopen(SweepRun& sweep, std::int64_t number, const std::string& reason,
                         Turn& turn) {
  sweep.trials.Reopen(number);
  const TrialRecord& trial = sweep.trials.Touch(number);
  turn.Commit(
      TrialMoved{trial.id, TrialState::kWaiting, reason, trial.failures, true, turn.now.unix_ms});
  needs_placement = true;
}

void Core::State::Want(SweepRun& sweep, std::int64_t number, Wanted wanted, Turn& turn) {
  TrialRecord& trial = sweep.trials.Touch(number);
  if (trial.wanted == wanted) return;
  trial.wanted = wanted;
  turn.Commit(TrialWanted{trial.id, std::string(ToString(wanted))});
}

void Core::State::NoteBest(SweepRun& sweep, std::int64_t number) {
  const TrialRecord trial = sweep.trials.Of(number);
  if (trial.state != TrialState::kFinished || std::isnan(trial.objective)) return;
  if (sweep.best && !sweep.IsBetter(trial.objective, *sweep.best)) return;
  sweep.best = trial.objective;
  sweep.best_number = number;
  const Configuration* configuration = sweep.proposals.Find(sweep.ConfigurationOf(number));
  sweep.best_configuration = configuration != nullptr ? *configuration : Configuration();
}

// A configuration is kept as long as one of its seeds may still be launched.
void Core::State::DropConfiguration(SweepRun& sweep, std::int64_t configuration) {
  for (int seed = 0; seed < sweep.spec.seeds; ++seed) {
    const std::int64_t number = configuration * sweep.spec.seeds + seed + 1;
    if (number <= sweep.trials.Planned() && !IsEnded(sweep.trials.Of(number).state)) return;
  }
  sweep.proposals.Drop(configuration);
}

}  // namespace ddl
