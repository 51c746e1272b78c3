// SPDX-License-Identifier: Apache-2.0
// Trials that stop early. A decision is committed with the report that it follows from.
#include <algorithm>
#include <set>

#include "configs/json.h"
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

// Of a whole trial of the built-in trainer, which reports once an epoch.
std::optional<std::int64_t> IterationsOf(const SweepSpec& spec) {
  if (!spec.trainer || !spec.trainer->contains("epochs")) return std::nullopt;
  const bool varies = std::ranges::any_of(
      spec.space, [](const Parameter& parameter) { return parameter.Name() == "epochs"; });
  const Json& epochs = spec.trainer->at("epochs");
  if (varies || !epochs.is_number_integer()) return std::nullopt;
  return epochs.get<std::int64_t>();
}

// Nothing: the trial did not end well.
std::optional<PrunerEnd> PrunerEndOf(const SweepRun& sweep, std::int64_t number) {
  const TrialRecord trial = sweep.trials.Of(number);
  if (trial.state != TrialState::kFinished) return std::nullopt;
  const double value = sweep.IsBetter(1, 0) ? -trial.objective : trial.objective;
  return PrunerEnd{sweep.ConfigurationOf(number), sweep.SeedOf(number), value};
}

// Who lost a race is known from trials that it stopped or kept from starting, whatever a look at
// all that has ended since would say. Where another trial of it goes on, the user wants it to.
void RestoreLosers(SweepRun& sweep, const SweepHistory& history) {
  if (sweep.spec.early_terminate->type != PrunerType::kRacing) return;
  std::set<std::int64_t> retried;
  for (const KnownTrial& trial : history.trials) {
    const std::int64_t configuration = sweep.ConfigurationOf(trial.number);
    if (trial.state == TrialState::kPruned || trial.wanted == ToString(Wanted::kPrune)) {
      sweep.pruner->Lose(configuration);
      sweep.losers[configuration] = kStoppedEarlier;
    } else if (!IsEnded(trial.state)) {
      retried.insert(configuration);
    }
  }
  for (const std::int64_t configuration : retried)
    sweep.losers.erase(configuration);
}

}  // namespace

void Core::State::MakePrunerOf(SweepRun& sweep) {
  if (!sweep.spec.early_terminate) return;
  sweep.pruner =
      MakePruner(*sweep.spec.early_terminate, sweep.spec.seeds, IterationsOf(sweep.spec));
}

std::optional<std::string> Core::State::Count(SweepRun& sweep, std::int64_t number,
                                              std::int64_t step, double value) {
  Iterations& own = sweep.iterations[number];
  if (!own.Add(step)) return std::nullopt;
  sweep.promotions_are_due = true;
  // Bounds of a threshold are of the metric as it is; to all others lower is better.
  const bool flips =
      sweep.IsBetter(1, 0) && sweep.spec.early_terminate->type != PrunerType::kThreshold;
  return sweep.pruner->Report({number, sweep.SeedOf(number), own.count, flips ? -value : value});
}

void Core::State::LookAt(SweepRun& sweep, LiveJob& job, std::int64_t step, double value,
                         Turn& turn) {
  if (!sweep.pruner) return;
  const auto why = Count(sweep, job.number, step, value);
  if (!why || job.stop > StopCause::kPruned || sweep.IsEnding()) return;
  job.pruned_because = *why;
  Stop(job, StopCause::kPruned, turn);
}

// A trial has ended: those that have lost by it stop, and their further seeds never start.
void Core::State::LookAtEnd(SweepRun& sweep, std::int64_t number, Turn& turn) {
  if (!sweep.pruner) return;
  if (const auto end = PrunerEndOf(sweep, number)) sweep.pruner->End(*end);
  for (Loser& loser : sweep.pruner->Losers()) {
    for (auto& [id, job] : jobs) {
      const bool is_meant =
          job.sweep == sweep.id && sweep.ConfigurationOf(job.number) == loser.configuration;
      if (!is_meant || job.stop > StopCause::kPruned) continue;
      job.pruned_because = loser.reason;
      Stop(job, StopCause::kPruned, turn);
    }
    sweep.losers[loser.configuration] = std::move(loser.reason);
  }
}

// True when the trial was not to start; it needs its configuration.
bool Core::State::PruneLoser(SweepRun& sweep, std::int64_t number, Turn& turn) {
  const auto loser = sweep.losers.find(sweep.ConfigurationOf(number));
  if (loser == sweep.losers.end()) return false;
  EnsureRow(sweep, number, turn);
  const std::string reason = std::string(kPrunedBecause) + loser->second;
  Move(sweep, number, TrialState::kPruned, reason, turn);
  sweep.told[number] = {reason, {}, 0, 0};
  TellSearchOf(sweep, sweep.ConfigurationOf(number), turn);
  DropConfiguration(sweep, sweep.ConfigurationOf(number));
  return true;
}

void Core::State::RestorePruner(SweepRun& sweep, const SweepHistory& history, Turn& turn) {
  MakePrunerOf(sweep);
  if (!sweep.pruner) return;
  for (const KnownReport& report : history.reports)
    (void)Count(sweep, report.number, report.step, report.value);
  RestoreLosers(sweep, history);
  for (const KnownTrial& trial : history.trials) {
    if (const auto end = PrunerEndOf(sweep, trial.number)) sweep.pruner->End(*end);
  }
  // The look that was taken when the last of them ended, whichever that was.
  if (!history.trials.empty()) LookAtEnd(sweep, history.trials.back().number, turn);
  RestoreHeld(sweep, history);
}

}  // namespace ddl
