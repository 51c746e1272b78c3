// SPDX-License-Identifier: Apache-2.0
// How sweeps end: by themselves, or because something ends them while trials run.
#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

struct Ending {
  SweepOutcome outcome = SweepOutcome::kAllDone;
  std::string reason;
};

std::string TargetText(const SweepRun& sweep, const std::string& metric, double target) {
  return fmt::format("target {} of {} was never reached{}", FormatNumber(target), metric,
                     sweep.best ? fmt::format("; best {} by trial {}", FormatNumber(*sweep.best),
                                              sweep.best_number)
                                : "");
}

// Of a sweep whose trials have all ended.
Ending NaturalEnd(const SweepRun& sweep) {
  const std::int64_t failed = sweep.trials.Count(TrialState::kFailed);
  const std::int64_t planned = sweep.trials.Planned();
  const std::string failures = fmt::format("{} of {} trials failed", failed, planned);
  const std::optional<Metric>& metric = sweep.spec.metric;
  const bool is_met =
      metric && metric->target && sweep.best && !sweep.IsBetter(*metric->target, *sweep.best);
  if (is_met) {
    return {SweepOutcome::kTargetReached,
            fmt::format("target reached: {} {} by trial {}", metric->name,
                        FormatNumber(*sweep.best), sweep.best_number)};
  }
  if (metric && metric->target) {
    return {SweepOutcome::kTargetMissed, TargetText(sweep, metric->name, *metric->target) +
                                             (failed > 0 ? "; " + failures : std::string())};
  }
  if (failed > 0) return {SweepOutcome::kSomeFailed, failures};
  return {SweepOutcome::kAllDone,
          planned == 1 ? "its trial has ended" : fmt::format("all {} trials have ended", planned)};
}

constexpr double kMsPerHour = 3'600'000;

}  // namespace

void Core::State::BeginEnding(SweepRun& sweep, SweepOutcome outcome, const std::string& reason,
                              Turn& turn) {
  if (sweep.IsEnding()) return;
  sweep.outcome = outcome;
  sweep.reason = reason;
  CommitSweep(sweep, false, turn);
  turn.actions.emplace_back(Say{sweep.id, reason});
}

void Core::State::StopAll(SweepRun& sweep, StopCause cause, JobId but, Turn& turn) {
  for (auto& [id, job] : jobs) {
    if (job.sweep == sweep.id && id != but) Stop(job, cause, turn);
  }
}

double Core::State::GpuHours(const SweepRun& sweep, Turn& turn) const {
  double total_ms = sweep.gpu_ms;
  const double gpus =
      sweep.request.gpus + sweep.request.gpu_share / static_cast<double>(kWholeDevice);
  for (const auto& [id, job] : jobs) {
    if (job.sweep != sweep.id || !job.is_started || job.exit) continue;
    // Of what was not seen for a while nobody knows: it may have ended since, and its record tells.
    const auto running = job.unseen_since.value_or(turn.now.monotonic) - job.started_at;
    total_ms += gpus * std::chrono::duration<double, std::milli>(running).count();
  }
  return total_ms / kMsPerHour;
}

void Core::State::CheckLimits(SweepRun& sweep, Turn& turn) {
  if (sweep.HasEnded() || sweep.IsEnding()) return;
  const Limits& limits = sweep.spec.limits;
  std::string reached;
  if (limits.epochs && sweep.metric_reports >= *limits.epochs) {
    reached = fmt::format("epochs {}", *limits.epochs);
  } else if (limits.wall_h) {
    const std::chrono::duration<double, std::ratio<3600>> busy = sweep.Busy(turn.now.monotonic);
    if (busy.count() >= *limits.wall_h) reached = "wall_h " + FormatNumber(*limits.wall_h);
  }
  if (limits.gpu_h && GpuHours(sweep, turn) >= *limits.gpu_h) {
    reached = "gpu_h " + FormatNumber(*limits.gpu_h);
  }
  if (reached.empty()) return;
  BeginEnding(sweep, SweepOutcome::kLimitReached, fmt::format("limit reached: {}", reached), turn);
  StopAll(sweep, StopCause::kSweepEnds, {}, turn);
}

void Core::State::Conclude(SweepRun& sweep, Turn& turn) {
  if (sweep.HasEnded() || sweep.live > 0) return;
  if (sweep.IsEnding()) return End(sweep, sweep.outcome, sweep.reason, turn);
  const bool is_left = sweep.trials.Count(TrialState::kWaiting) > 0 ||
                       sweep.trials.Count(TrialState::kPaused) > std::ssize(sweep.held);
  if (is_left) return;
  PruneHeld(sweep, turn);
  const Ending ending = NaturalEnd(sweep);
  End(sweep, ending.outcome, ending.reason, turn);
}

void Core::State::End(SweepRun& sweep, SweepOutcome outcome, const std::string& reason,
                      Turn& turn) {
  PruneHeld(sweep, turn);
  UnbindAll(sweep, turn);
  // What never ran stays waiting, so `ddl sweep` can go on with it where that makes sense.
  const std::int64_t left = sweep.trials.WaitingOfPlan();
  const bool can_go_on = sweep.trials.Count(TrialState::kWaiting) > 0;
  sweep.state = can_go_on && outcome != SweepOutcome::kTargetReached ? SweepState::kStopped
                                                                     : SweepState::kFinished;
  sweep.outcome = outcome;
  sweep.reason = left > 0 ? fmt::format("{}; {} {} never started", reason, left,
                                        left == 1 ? "trial was" : "trials were")
                          : reason;
  CommitSweep(sweep, false, turn);
  turn.actions.emplace_back(SweepEnded{sweep.id, outcome, sweep.reason});
}

}  // namespace ddl
