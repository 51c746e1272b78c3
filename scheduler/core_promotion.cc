// SPDX-License-Identifier: Apache-2.0
// Trials that their pruner stopped and that can be taken up again: they are held, paused with a
// checkpoint and without devices, until they are promoted or their sweep is over.
#include <algorithm>

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

// The host that a trial waits for because its checkpoint lies there: elsewhere it would begin anew,
// and what it was promoted for would be lost. Nullptr: it may start wherever its sweep may, as
// there is no other host, or its own one is not the sweep's any more, takes no trials, has not
// answered for the sweep's lost_after, or has become too small.
const std::string* Core::State::HeldTo(const SweepRun& sweep, std::int64_t number) const {
  const auto parent = ParentOf(sweep, number);
  const auto& places = parent ? sweep.ran_on : sweep.checkpoint_at;
  const auto checkpoint = places.find(parent.value_or(number));
  if (checkpoint == places.end() || sweep.spec.hosts.size() < 2) return nullptr;
  const std::string& name = checkpoint->second;
  if (std::ranges::count(sweep.spec.hosts, name) == 0) return nullptr;
  const auto host = hosts.find(name);
  if (host == hosts.end()) return &name;  // this coordinator has not looked for it yet
  const HostState& state = host->second;
  const bool is_gone = !state.is_up && state.away >= sweep.spec.lost_after;
  if (parent) return is_gone ? nullptr : &name;  // anywhere else it can only fail
  const bool is_too_small = state.is_up && !state.slots.NeverFits(sweep.request).empty();
  return is_gone || is_too_small || state.IsClosed() ? nullptr : &name;
}

}  // namespace ddl
