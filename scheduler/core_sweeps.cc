// SPDX-License-Identifier: Apache-2.0
// Sweeps begin, go on, and change in place.
#include <algorithm>

#include "configs/json.h"
#include "configs/planted_bugs.h"
#include "scheduler/admission.h"
#include "scheduler/core_state.h"
#include "scheduler/search/search.h"

namespace ddl {

void Core::State::On(const SweepOpened& opened, Turn& turn) {
  SweepRun& sweep = opened.history ? Restore(opened, *opened.history, turn) : Begin(opened, turn);
  sweep.may_launch = opened.may_launch;
  sweep.secrets = opened.secrets;
  ApplyInventory(sweep, turn);
  if (opened.retry_failed || PlantedBug(Bug::kReopenUnasked)) ReopenFailed(sweep, turn);
  if (sweep.HasEnded()) {
    turn.actions.emplace_back(SweepEnded{sweep.id, sweep.outcome, sweep.reason});
  }
  JudgeStrangers(turn);
  CheckFeasible(sweep, turn);
  needs_placement = true;
}

SweepRun& Core::State::Begin(const SweepOpened& opened, Turn& turn) {
  const SweepId id{++given.sweeps};
  SweepRun& sweep = sweeps[id];
  sweep.id = id;
  sweep.spec = opened.spec;
  sweep.request = RequestOf(opened.spec);
  sweep.trials = TrialTable(PlannedTrials(opened.spec));
  MakePrunerOf(sweep);
  turn.Commit(SweepAdded{.id = id,
                         .name = opened.spec.name,
                         .spec_json = DumpJson(ResolvedSpec(opened.spec)),
                         .spec_text = opened.spec_text,
                         .metric = opened.spec.metric ? opened.spec.metric->name : "",
                         .maximize = sweep.IsBetter(1, 0),
                         .trials_planned = sweep.trials.PlannedOrZero(),
                         .provenance_json = opened.provenance_json,
                         .at_ms = turn.now.unix_ms});
  return sweep;
}

void Core::State::On(const SpecChanged& changed, Turn& turn) {
  const auto found = sweeps.find(changed.sweep);
  if (found == sweeps.end()) return;
  SweepRun& sweep = found->second;
  sweep.may_launch = true;
  sweep.secrets = changed.secrets;
  if (changed.retry_failed) ReopenFailed(sweep, turn);
  ApplySpec(sweep, changed.spec, turn);
  if (sweep.HasEnded() && sweep.trials.Count(TrialState::kWaiting) > 0) Revive(sweep, turn);
  ApplyInventory(sweep, turn);
  CheckFeasible(sweep, turn);
  needs_placement = true;
}

// What may change in place does; the enumerated configurations never do. The number of trials only
// rises.
void Core::State::ApplySpec(SweepRun& sweep, const SweepSpec& asked, Turn& turn) {
  const SweepSpec spec = WithExtension(sweep.spec, asked);
  const std::string before = DumpJson(ResolvedSpec(sweep.spec));
  const std::string after = DumpJson(ResolvedSpec(spec));
  std::int64_t possible = PlannedTrials(spec);
  if (const auto end = sweep.proposals.Exhausted())
    possible = std::min(possible, *end * spec.seeds);
  const std::int64_t planned = std::max(sweep.trials.Planned(), possible);
  if (before == after && planned == sweep.trials.Planned()) return;
  sweep.spec = spec;
  sweep.request = RequestOf(spec);
  sweep.trials.Plan(planned);
  CommitSweep(sweep, true, turn);
}

// An ended sweep, or one about to end, goes on.
void Core::State::Revive(SweepRun& sweep, Turn& turn) {
  if (!sweep.HasEnded() && !sweep.IsEnding()) return;
  sweep.state = SweepState::kRunning;
  sweep.outcome = SweepOutcome::kNone;
  sweep.reason.clear();
  CommitSweep(sweep, false, turn);
  needs_placement = true;
}

// State and outcome of a sweep as they are now, and its spec where that changed.
void Core::State::CommitSweep(const SweepRun& sweep, bool with_spec, Turn& turn) {
  SweepChanged changed;
  changed.id = sweep.id;
  if (with_spec) {
    changed.spec_json = DumpJson(ResolvedSpec(sweep.spec));
    changed.trials_planned = sweep.trials.PlannedOrZero();
  }
  changed.state = sweep.state;
  changed.outcome = sweep.outcome;
  changed.reason = sweep.reason;
  changed.at_ms = turn.now.unix_ms;
  turn.Commit(std::move(changed));
}

}  // namespace ddl
