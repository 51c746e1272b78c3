// SPDX-License-Identifier: Apache-2.0
// What hosts tell of ranks, and what we tell them.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

// Metrics follow an exit at once; when they do not, the spool is gone.
constexpr std::chrono::nanoseconds kMetricsAfterExit = std::chrono::seconds(30);

// What is remembered of it.
Wanted WantedBy(StopCause cause) {
  if (cause == StopCause::kUserPause) return Wanted::kPause;
  if (cause == StopCause::kPruned) return Wanted::kPrune;
  if (cause == StopCause::kPartDone) return Wanted::kPartDone;
  return cause == StopCause::kSweepEnds ? Wanted::kLeave : Wanted::kStop;
}

// "core 3: ddl sweep of user ann" reads as "waits for core 3: held by ddl sweep of user ann".
std::string WaitsForHolder(const std::string& holder) {
  const auto colon = holder.find(": ");
  if (colon == std::string::npos) return fmt::format("waits for a device held by {}", holder);
  return fmt::format("waits for {}: held by {}", holder.substr(0, colon), holder.substr(colon + 2));
}

}  // namespace

LiveJob* Core::State::FindJob(RankId rank, const std::string& token) {
  const auto found = jobs.find(rank.job);
  if (found == jobs.end() || found->second.token != token) return nullptr;
  return &found->second;
}

bool Core::State::IsStranger(int link, RankId rank) const {
  return std::ranges::any_of(hosts, [&](const auto& entry) {
    return entry.second.link == link && entry.second.strangers.contains(rank);
  });
}

void Core::State::On(const RankStarted& started, Turn& turn) {
  LiveJob* job = FindJob(started.record.id, started.record.token);
  if (job == nullptr) {
    // A process of a void attempt that came up late.
    HostState* host = HostOfLink(started.host);
    if (host != nullptr && !IsStranger(started.host, started.record.id)) {
      turn.Send(*host, Order{started.record.id, OrderKind::kKill, {}});
    }
    return;
  }
  job->started_at = turn.now.monotonic - started.age;
  SweepRun& sweep = sweeps.at(job->sweep);
  sweep.WasBusyFor(job->busy_before + started.age, turn.now.monotonic);
  if (std::exchange(job->is_started, true)) return;
  turn.Commit(AttemptStarted{sweep.trials.Of(job->number).id, job->attempt, started.record.pid,
                             started.record.started_unix_ms});
  sweep.trials.Move(job->number, TrialState::kRunning);
  if (job->stop == StopCause::kRecall) job->stop = StopCause::kNone;  // it came too late
  if (job->stop != StopCause::kNone) Move(sweep, job->number, TrialState::kStopping, "", turn);
  if (job->seat == 0) return;
  HostState& host = hosts.at(job->host);
  Seat& seat = host.seats.at(job->seat);
  host.slots.ForgetForeign(seat.slots);
  std::ranges::stable_partition(seat.jobs, [job](JobId id) { return id == job->id; });
  needs_placement = true;
}

void Core::State::On(const RankSlotBusy& refused, Turn& turn) {
  LiveJob* job = FindJob(refused.busy.id, refused.busy.token);
  if (job == nullptr) return;
  hosts.at(job->host).slots.MarkForeign(refused.busy, turn.now.monotonic);
  ExitRecord record;
  record.id = refused.busy.id;
  record.cause = EndCause::kLaunchRefused;
  record.detail = refused.busy.holder;
  record.ended_unix_ms = turn.now.unix_ms;
  NeverBegan(*job, record, WaitsForHolder(refused.busy.holder), turn);
}

void Core::State::On(const RankExited& exited, Turn& turn) {
  LiveJob* job = FindJob(exited.record.id, exited.record.token);
  if (job == nullptr) {
    HostState* host = HostOfLink(exited.host);
    if (host != nullptr && !IsStranger(exited.host, exited.record.id)) {
      turn.Send(*host, Settled{exited.record.id});
    }
    return;
  }
  const bool was_queued =
      !job->is_started && exited.record.cause == EndCause::kStopped && exited.record.wall_ms == 0;
  LeaveSeat(*job);
  if (was_queued) return NeverBegan(*job, exited.record, "", turn);
  const bool is_whole = exited.record.last_seq <= job->committed_seq;
  if (is_whole || PlantedBug(Bug::kFinishBeforeMetrics)) return Finish(*job, exited.record, turn);
  if (!job->exit) job->exit_at = turn.now.monotonic;
  job->exit = exited.record;
}

void Core::State::Stop(LiveJob& job, StopCause cause, Turn& turn) {
  if (job.stop >= cause) return;
  const bool was_told = job.stop != StopCause::kNone && job.stop != StopCause::kRecall;
  job.stop = cause;
  if (cause == StopCause::kRecall) return turn.Send(hosts.at(job.host), Recall{{job.id, 0}});
  if (!was_told) turn.Send(hosts.at(job.host), Order{{job.id, 0}, OrderKind::kStop, {}});
  SweepRun& sweep = sweeps.at(job.sweep);
  if (PlantedBug(Bug::kFreeSlotAtStop)) --sweep.seats;
  if (!PlantedBug(Bug::kForgetWanted)) {
    Want(sweep, job.number, WantedBy(cause), turn);
  }
  if (sweep.trials.Of(job.number).state == TrialState::kRunning) {
    Move(sweep, job.number, TrialState::kStopping, "", turn);
  }
}

void Core::State::FinishOverdue(Turn& turn) {
  std::vector<JobId> overdue;
  for (const auto& [id, job] : jobs) {
    const bool is_late = job.exit && turn.now.monotonic - job.exit_at > kMetricsAfterExit;
    if (is_late && hosts.at(job.host).is_up) overdue.push_back(id);
  }
  for (const JobId id : overdue) {
    LiveJob& job = jobs.at(id);
    assert(job.exit);
    Finish(job, ExitRecord(*job.exit), turn);
  }
}

}  // namespace ddl
