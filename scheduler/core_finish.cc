// SPDX-License-Identifier: Apache-2.0
// An attempt ends, and its trial with it or not.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "scheduler/core_state.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

AttemptEnd EndOf(const SweepRun& sweep, const LiveJob& job, const ExitRecord& record) {
  const TrialRecord trial = sweep.trials.Of(job.number);
  const std::string metric = sweep.spec.metric ? sweep.spec.metric->name : "";
  const bool may_be_promoted = sweep.Promotes() && !sweep.IsEnding();
  return {.cause = record.cause,
          .exit_code = record.exit_code,
          .signal = record.signal,
          .detail = record.detail,
          .metric_names = record.metric_names,
          .reported = job.committed_seq > 0,
          .stop = job.stop,
          .stop_reason = job.stop == StopCause::kPruned
                             ? std::string(kPrunedBecause) + job.pruned_because
                             : std::string(kSweepEnded) + sweep.reason,
          .pause_reason = may_be_promoted ? std::string(kPausedByPruner) + job.pruned_because : "",
          .metric = metric,
          .metric_seen = trial.metric_seen || std::ranges::count(record.metric_names, metric) > 0,
          .retries = sweep.spec.retries,
          .failures = trial.failures,
          .mishaps = trial.mishaps,
          .idle_continuations = trial.idle_continuations};
}

AttemptEnded EndedRow(TrialId trial, int attempt, const ExitRecord& record,
                      const Verdict& verdict) {
  return {.trial = trial,
          .attempt = attempt,
          .cause = verdict.cause,
          .exit_code = record.exit_code,
          .signal = record.signal,
          .detail = verdict.detail,
          .wall_ms = record.wall_ms,
          .cpu_ms = record.cpu_ms,
          .peak_memory_kib = record.peak_memory_kib,
          .last_seq = record.last_seq,
          .log_bytes = record.log_bytes,
          .at_ms = record.ended_unix_ms};
}

double GpusOf(const Request& request) {
  return request.gpus + request.gpu_share / static_cast<double>(kWholeDevice);
}

}  // namespace

void Core::State::Finish(LiveJob& job, const ExitRecord& record, Turn& turn) {
  SweepRun& sweep = sweeps.at(job.sweep);
  if (record.last_seq > job.committed_seq) {
    turn.Commit(EventNoted{sweep.id, sweep.trials.Of(job.number).id,
                           fmt::format("{} metric reports of attempt {} were lost with its spool",
                                       record.last_seq - job.committed_seq, job.attempt),
                           turn.now.unix_ms});
  }
  sweep.WasBusyFor(job.busy_before + std::chrono::milliseconds(record.wall_ms), turn.now.monotonic);
  Account(sweep, record, turn);
  NoteHealth(job, record, turn);
  AttemptEnd end = EndOf(sweep, job, record);
  end.has_done_its_part = HasDoneItsPart(sweep, job.number);
  if (const FailureRule* rule = RuleFor(sweep, job, record)) {
    const bool is_hopeless = rule->then == FailureAction::kGiveUp;
    (is_hopeless ? end.hopeless : end.hosts_fault) = record.failure_line;
  }
  ActOnFailure(job, record, turn);
  Conclude(job, record, Judge(end), turn);
}

void Core::State::NeverBegan(LiveJob& job, const ExitRecord& record, const std::string& why,
                             Turn& turn) {
  AttemptEnd end = EndOf(sweeps.at(job.sweep), job, record);
  end.never_began = true;
  end.waits_because = why;
  Conclude(job, record, Judge(end), turn);
}

void Core::State::Conclude(LiveJob& job, const ExitRecord& record, const Verdict& verdict,
                           Turn& turn) {
  SweepRun& sweep = sweeps.at(job.sweep);
  const std::int64_t number = job.number;
  TrialRecord& trial = sweep.trials.Touch(number);
  turn.Commit(EndedRow(trial.id, job.attempt, record, verdict));
  trial.failures = verdict.failures;
  trial.mishaps = static_cast<std::int16_t>(verdict.mishaps);
  trial.idle_continuations = static_cast<std::int16_t>(verdict.idle_continuations);
  trial.job = {};
  if (sweep.spec.pbt) sweep.ran_on[number] = job.host;
  NoteCheckpoint(sweep, job, record);
  NoteLaunchRefused(sweep, job, record);
  LeaveSeat(job);
  HostState& host = hosts.at(job.host);
  turn.Send(host, Settled{{job.id, 0}});
  if (job.committed_seq > 0) host.unsaved[{job.id, 0}] = job.committed_seq;
  jobs.erase(job.id);
  if (--sweep.live == 0) {
    assert(sweep.busy_since);
    sweep.busy_before += turn.now.monotonic - *sweep.busy_since;
    sweep.busy_since.reset();
  }
  const bool waits_again = verdict.to == TrialState::kWaiting;
  Want(sweep, number, Wanted::kNothing, turn);
  sweep.trials.Move(number, verdict.to,
                    waits_again && verdict.delay.count() > 0 ? turn.now.monotonic + verdict.delay
                                                             : std::chrono::nanoseconds{0});
  turn.Commit(
      TrialMoved{trial.id, verdict.to, verdict.reason, trial.failures, false, turn.now.unix_ms});
  if (record.cause == EndCause::kWorkerLost) ++sweep.workers_lost[number];
  Remember(sweep, number, record, verdict);
  AfterEnd(sweep, number, verdict, turn);
}

void Core::State::AfterEnd(SweepRun& sweep, std::int64_t number, const Verdict& verdict,
                           Turn& turn) {
  NoteBest(sweep, number);
  if (IsHeldBy(verdict.to, verdict.reason)) {
    Hold(sweep, number, verdict.reason);
    TellSearchOf(sweep, sweep.ConfigurationOf(number), turn);
  }
  if (IsEnded(verdict.to)) {
    LookAtEnd(sweep, number, turn);
    NoteFront(sweep, sweep.ConfigurationOf(number));
    TellSearchOf(sweep, sweep.ConfigurationOf(number), turn);
    DropConfiguration(sweep, sweep.ConfigurationOf(number));
    sweep.above_gpu_mib.erase(number);
    sweep.checkpoint_at.erase(number);
    sweep.workers_lost.erase(number);
  }
  // The first failure is said at once: mostly all others are the same.
  if (verdict.to == TrialState::kFailed && sweep.trials.Count(TrialState::kFailed) == 1) {
    const bool adds = verdict.reason.find(verdict.detail) == std::string::npos;
    turn.actions.emplace_back(
        Say{sweep.id, fmt::format("trial {} failed: {}{}{}", number, verdict.reason,
                                  adds ? ": " : "", adds ? verdict.detail : "")});
  }
  if (verdict.to == TrialState::kFailed && sweep.spec.fail_fast && !sweep.IsEnding()) {
    BeginEnding(sweep, SweepOutcome::kSomeFailed,
                fmt::format("fail-fast: trial {} failed: {}", number, verdict.reason), turn);
    StopAll(sweep, StopCause::kSweepEnds, {}, turn);
  }
  needs_placement = true;
}

void Core::State::Remember(SweepRun& sweep, std::int64_t number, const ExitRecord& record,
                           const Verdict& verdict) {
  sweep.told.erase(number);
  if (verdict.reason.empty()) return;
  sweep.told[number] = {verdict.reason, verdict.cause, record.exit_code, record.signal};
}

void Core::State::Account(SweepRun& sweep, const ExitRecord& record, Turn& turn) {
  sweep.gpu_ms += static_cast<double>(record.wall_ms) * GpusOf(sweep.request);
  sweep.recent.Add(turn.now.monotonic, std::chrono::milliseconds(record.wall_ms));
}

}  // namespace ddl
