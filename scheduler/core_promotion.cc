// SPDX-License-Identifier: Apache-2.0
// Trials that their pruner stopped and that can be taken up again: they are held, paused with a
// checkpoint and without devices, until they are promoted or their sweep is over.
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"

namespace ddl {

// By the trial as it is stored. A pause of the user's is another thing.
bool Core::State::IsHeldBy(TrialState state, std::string_view reason) {
  return state == TrialState::kPaused && reason.starts_with(kPausedByPruner);
}

void Core::State::Hold(SweepRun& sweep, std::int64_t number, std::string_view reason) {
  sweep.held[number] = reason.substr(kPausedByPruner.size());
  if (sweep.pruner) sweep.pruner->Hold(number);
  sweep.promotions_are_due = true;  // the cut may have moved while it was leaving
}

void Core::State::Release(SweepRun& sweep, std::int64_t number) {
  if (sweep.held.erase(number) > 0 && sweep.pruner) sweep.pruner->Release(number);
}

// Waiting ones that ran already are placed before new ones.
void Core::State::Promote(SweepRun& sweep, Turn& turn) {
  if (!sweep.Promotes() || sweep.IsEnding()) return;
  if (!std::exchange(sweep.promotions_are_due, false)) return;
  for (const Promotion& promotion : sweep.pruner->Promoted()) {
    const std::string reason = std::string(kPromotedBecause) + promotion.reason;
    sweep.held.erase(promotion.trial);
    Move(sweep, promotion.trial, TrialState::kWaiting, reason, turn);
    sweep.told[promotion.trial] = {reason, {}, 0, 0};
    needs_placement = true;
  }
}

// Nothing can promote them any more. A search was told so when they were paused.
void Core::State::PruneHeld(SweepRun& sweep, Turn& turn) {
  for (const auto& [number, why] : std::exchange(sweep.held, {})) {
    if (sweep.pruner) sweep.pruner->Release(number);
    const std::string reason = std::string(kPrunedBecause) + why;
    Move(sweep, number, TrialState::kPruned, reason, turn);
    sweep.told[number] = {reason, {}, 0, 0};
    sweep.checkpoint_at.erase(number);
    DropConfiguration(sweep, sweep.ConfigurationOf(number));
  }
}

void Core::State::RestoreHeld(SweepRun& sweep, const SweepHistory& history) {
  for (const KnownTrial& trial : history.trials) {
    if (!IsHeldBy(trial.state, trial.reason)) continue;
    Hold(sweep, trial.number, trial.reason);
    sweep.told[trial.number] = {trial.reason, {}, 0, 0};
  }
  for (const auto& [number, last] : history.last_attempts) {
    if (sweep.Promotes() && last.exit_code == kContinueMe) sweep.checkpoint_at[number] = last.host;
  }
}

// An attempt that never started has changed nothing.
void Core::State::NoteCheckpoint(SweepRun& sweep, const LiveJob& job, const ExitRecord& record) {
  if (!sweep.Promotes() || !job.is_started) return;
  if (IsToBeContinued(record.cause, record.exit_code)) {
    sweep.checkpoint_at[job.number] = job.host;
  } else {
    sweep.checkpoint_at.erase(job.number);
  }
}

}  // namespace ddl
