// SPDX-License-Identifier: Apache-2.0
// A sweep as the store remembers it. What runs on its hosts is learned when they are up.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "configs/json.h"
#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"
#include "scheduler/search/search.h"
#include "scheduler/slots_json.h"

namespace ddl {

namespace {

TrialRecord RecordOf(const KnownTrial& known) {
  TrialRecord record;
  record.id = known.id;
  record.attempts = PlantedBug(Bug::kForgetAttempts) ? 0 : known.attempts;
  record.failures = known.failures;
  record.state = known.state;
  record.wanted = ParseWanted(known.wanted);
  if (known.objective) record.objective = *known.objective;
  record.metric_seen = known.objective.has_value();
  return record;
}

StopCause StopCauseOf(Wanted wanted) {
  switch (wanted) {
    case Wanted::kNothing:
      return StopCause::kNone;
    case Wanted::kPause:
      return StopCause::kUserPause;
    case Wanted::kLeave:
      return StopCause::kSweepEnds;
    case Wanted::kPrune:
      return StopCause::kPruned;
    case Wanted::kPartDone:
      return StopCause::kPartDone;
    case Wanted::kStop:
      return StopCause::kUserStop;
  }
  return StopCause::kNone;
}

bool ShareDevice(const Slots& a, const Slots& b) {
  const auto any = [](const auto& left, const auto& right, auto is_same) {
    return std::ranges::any_of(left, [&](const auto& x) {
      return std::ranges::any_of(right, [&](const auto& y) {
        return is_same(x, y) && x.first < y.first + y.length && y.first < x.first + x.length;
      });
    });
  };
  return any(a.cores, b.cores, [](const auto& x, const auto& y) { return x.core == y.core; }) ||
         any(a.gpus, b.gpus, [](const auto& x, const auto& y) { return x.uuid == y.uuid; });
}

// An ended sweep is over unless something is left that its end did not answer.
bool IsOver(const SweepHistory& history, const SweepRun& sweep, std::int64_t planned_before) {
  if (history.state == SweepState::kRunning) return false;
  if (sweep.trials.Planned() > planned_before) return false;
  return history.outcome == SweepOutcome::kTargetReached ||
         sweep.trials.Count(TrialState::kWaiting) == 0;
}

}  // namespace

SweepRun& Core::State::Restore(const SweepOpened& opened, const SweepHistory& history, Turn& turn) {
  const auto known = sweeps.find(history.id);
  if (known != sweeps.end() && !known->second.HasEnded()) {
    ApplySpec(known->second, opened.spec, turn);
    return known->second;
  }
  SweepRun& sweep = sweeps[history.id];
  sweep = SweepRun{};
  sweep.id = history.id;
  sweep.spec = SpecFromJson(ParseJson(history.spec_json, history.name));
  sweep.state = history.state;
  sweep.outcome = history.outcome;
  sweep.reason = history.reason;
  sweep.busy_before = std::chrono::milliseconds(history.wall_ms);
  sweep.gpu_ms = static_cast<double>(history.gpu_ms);
  sweep.metric_reports = history.metric_reports;
  const std::int64_t planned_before = PlannedTrials(sweep.spec);
  sweep.trials.Plan(planned_before);
  RestoreTrials(sweep, history, turn.now);
  RestoreSearch(sweep, history);
  RestoreLineage(sweep, history);
  RestorePruner(sweep, history, turn);
  ApplySpec(sweep, opened.spec, turn);
  const bool is_over = !opened.may_launch || IsOver(history, sweep, planned_before);
  if (history.state != SweepState::kRunning && !is_over) Revive(sweep, turn);
  return sweep;
}

void Core::State::RestoreTrials(SweepRun& sweep, const SweepHistory& history, Now now) {
  sweep.request = RequestOf(sweep.spec);
  std::map<TrialId, std::int64_t> numbers;
  for (const KnownTrial& trial : history.trials) {
    sweep.trials.Restore(trial.number, RecordOf(trial));
    numbers[trial.id] = trial.number;
    NoteBest(sweep, trial.number);
  }
  for (const OpenAttempt& open : history.open_attempts) {
    RestoreJob(sweep, open, numbers.at(open.trial), now);
  }
  const auto next = sweep.trials.NextWaiting(now.monotonic);
  sweep.proposals = Proposals(next ? sweep.ConfigurationOf(*next) : sweep.Configurations());
}

void Core::State::RestoreJob(SweepRun& sweep, const OpenAttempt& open, std::int64_t number,
                             Now now) {
  const TrialRecord trial = sweep.trials.Of(number);
  assert(!IsEnded(trial.state) && trial.state != TrialState::kPaused);
  LiveJob& job = AddJob(sweep,
                        {.id = open.job,
                         .sweep = sweep.id,
                         .number = number,
                         .attempt = open.attempt,
                         .token = open.token,
                         .host = open.host,
                         .is_started = open.started,
                         .is_unmet = true,
                         .sent_at = now.monotonic,
                         .busy_before = std::chrono::milliseconds(open.busy_ms),
                         .started_at = now.monotonic,
                         .unseen_since = now.monotonic,
                         .committed_seq = open.committed_seq,
                         .seq_at_start = open.committed_seq,
                         .stop = StopCauseOf(trial.wanted),
                         .pruned_because = std::string(kStoppedEarlier)},
                        now);
  const auto slots = SlotsFromJson(open.slots_json);
  assert(slots);
  HostState& host = hosts[open.host];
  // Launches sent ahead share the seat of the rank they wait for. Slots are given on when a rank
  // has ended while its last reports are still on their way: then the later launch holds them.
  std::vector<JobId> ended;
  for (const auto& [id, seat] : host.seats) {
    if (seat.slots == *slots && seat.sweep == sweep.id) return Sit(job, id);
    if (!ShareDevice(seat.slots, *slots)) continue;
    if (seat.jobs.front() > job.id) return;
    ended.insert(ended.end(), seat.jobs.begin(), seat.jobs.end());
  }
  for (const JobId id : ended) {
    LeaveSeat(jobs.at(id));
  }
  Sit(job, OpenSeat(sweep, host, *slots));
}

void Core::State::ReopenFailed(SweepRun& sweep, Turn& turn) {
  for (std::int64_t number = 1; number <= sweep.trials.Touched(); ++number) {
    if (sweep.trials.Of(number).state != TrialState::kFailed) continue;
    Reopen(sweep, number, std::string(kRetriedByUser), turn);
  }
  if (sweep.trials.Count(TrialState::kWaiting) > 0) Revive(sweep, turn);
}

}  // namespace ddl
