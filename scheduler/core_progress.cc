// SPDX-License-Identifier: Apache-2.0
// What screens show. Counts are kept as trials move, so this costs as much as what runs.
#include <algorithm>
#include <cmath>

#include "configs/ssh_address.h"
#include "runner/host_libraries.h"
#include "scheduler/core_state.h"

namespace ddl {

namespace {

void DescribeFront(const SweepRun& sweep, SweepProgress& progress) {
  const std::vector<Metric>& objectives = sweep.spec.objectives;
  progress.front = std::ssize(sweep.front.Members());
  for (std::size_t i = 0; progress.front > 0 && i < objectives.size(); ++i) {
    const double least = sweep.front.Least(i);
    progress.front_best.emplace_back(objectives[i].name,
                                     objectives[i].goal == Goal::kMaximize ? -least : least);
  }
}

SweepProgress Describe(const SweepRun& sweep, Now now) {
  SweepProgress progress;
  progress.is_remote = std::ranges::any_of(sweep.spec.hosts,
                                           [](const std::string& host) { return IsSshHost(host); });
  progress.id = sweep.id;
  progress.name = sweep.spec.name;
  progress.metric = sweep.spec.metric ? sweep.spec.metric->name : "";
  progress.maximize = sweep.IsBetter(1, 0);
  progress.planned = sweep.trials.PlannedOrZero();
  progress.waiting = sweep.trials.WaitingOfPlan();
  progress.launching = sweep.trials.Count(TrialState::kLaunching);
  progress.running = sweep.trials.Count(TrialState::kRunning);
  progress.paused = sweep.trials.Count(TrialState::kPaused);
  progress.held = std::ssize(sweep.held);
  progress.stopping = sweep.trials.Count(TrialState::kStopping);
  progress.finished = sweep.trials.Count(TrialState::kFinished);
  progress.pruned = sweep.trials.Count(TrialState::kPruned);
  progress.failed = sweep.trials.Count(TrialState::kFailed);
  progress.canceled = sweep.trials.Count(TrialState::kCanceled);
  if (sweep.spec.objectives.size() > 1) {
    DescribeFront(sweep, progress);
  } else {
    progress.best = sweep.best;
    progress.best_number = sweep.best_number;
    progress.best_configuration = sweep.best_configuration;
  }
  progress.state = sweep.state;
  progress.outcome = sweep.outcome;
  if (sweep.HasEnded()) return progress;
  progress.trials_per_s = sweep.recent.PerSecond(now.monotonic);
  const std::int64_t left = progress.waiting + progress.launching + progress.running;
  if (progress.trials_per_s > 0 && !sweep.trials.IsOpenEnded()) {
    progress.seconds_left = static_cast<double>(left) / progress.trials_per_s;
  }
  return progress;
}

}  // namespace

std::vector<SweepProgress> Core::Progress(Now now) const {
  std::vector<SweepProgress> all;
  for (const auto& [id, sweep] : state_->sweeps) {
    all.push_back(Describe(sweep, now));
    all.back().waiting_for = state_->WaitsFor(sweep, now);
  }
  return all;
}

std::vector<SweepAddress> Core::Sweeps() const {
  std::vector<SweepAddress> all;
  for (const auto& [id, sweep] : state_->sweeps) {
    all.push_back({sweep.spec.name, id});
  }
  return all;
}

std::vector<std::string> Core::HostsOf(SweepId sweep) const {
  const auto found = state_->sweeps.find(sweep);
  return found == state_->sweeps.end() ? std::vector<std::string>{} : found->second.spec.hosts;
}

bool Core::IsOpen(SweepId sweep) const {
  const auto found = state_->sweeps.find(sweep);
  return found != state_->sweeps.end() && !found->second.HasEnded();
}

std::string Core::CodeOf(SweepId sweep) const {
  return IsOpen(sweep) ? state_->sweeps.at(sweep).spec.code : std::string();
}

std::vector<std::string> Core::LibraryFoldersOn(SweepId sweep, const std::string& address) const {
  const auto found = state_->sweeps.find(sweep);
  if (found == state_->sweeps.end()) return {};
  const SweepSpec& spec = found->second.spec;
  std::vector<std::pair<std::string, std::string>> environment;
  const auto entry = std::ranges::find(spec.inventory, address, &HostEntry::address);
  if (entry != spec.inventory.end()) environment = entry->env;
  environment.insert(environment.end(), spec.env.begin(), spec.env.end());
  return LibraryFoldersOf(environment);
}

std::string Core::TitleOf(const std::string& address) const {
  return state_->TitleOf(address);
}

bool Core::IsStopping() const {
  return std::ranges::any_of(
      state_->jobs, [](const auto& entry) { return entry.second.stop != StopCause::kNone; });
}

std::vector<RunningTrial> Core::Running(SweepId sweep, std::size_t limit) const {
  std::vector<RunningTrial> running;
  for (const auto& [id, job] : state_->jobs) {
    if (running.size() >= limit) break;
    if (job.sweep != sweep || !job.is_started || job.exit) continue;
    const TrialRecord trial = state_->sweeps.at(sweep).trials.Of(job.number);
    running.push_back({.number = job.number,
                       .host = state_->TitleOf(job.host),
                       .started = job.started_at,
                       .step = job.step,
                       .objective = std::nullopt,
                       .samples_per_s = job.samples_per_s,
                       .percent_of_limit = job.percent_of_limit});
    if (trial.metric_seen) running.back().objective = trial.objective;
  }
  return running;
}

}  // namespace ddl
