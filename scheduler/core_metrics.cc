// SPDX-License-Identifier: Apache-2.0
// Metric reports: each is kept once, and acknowledged when it is.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "configs/json.h"
#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"

namespace ddl {

void Core::State::On(const MetricsArrived& arrived, Turn& turn) {
  const auto found = jobs.find(arrived.metrics.id.job);
  // Of an attempt that has ended: all that counts of it was committed before.
  if (found == jobs.end() || arrived.metrics.reports.empty()) return;
  LiveJob& job = found->second;
  SweepRun& sweep = sweeps.at(job.sweep);
  HostState& host = hosts.at(job.host);
  const auto& reports = arrived.metrics.reports;
  const auto first_new = std::ranges::find_if(reports, [&job](const MetricReport& report) {
    return report.seq > job.committed_seq || PlantedBug(Bug::kDropDedupe);
  });
  if (first_new != reports.end() && first_new->seq > job.committed_seq + 1) {
    // Something is missing in between: have it told again from where we are.
    turn.Send(host, AdoptionOf(job));
    return;
  }
  if (first_new != reports.end()) {
    turn.Commit(MetricsAdded{arrived.metrics.id,
                             sweep.trials.Of(job.number).id,
                             job.attempt,
                             {first_new, reports.end()}});
    job.committed_seq = reports.back().seq;
  }
  turn.Send(host, Ack{arrived.metrics.id, job.committed_seq, false});
  for (auto report = first_new; report != reports.end(); ++report) {
    Learn(sweep, job, *report, turn);
  }
  if (job.exit && job.exit->last_seq <= job.committed_seq) {
    Finish(job, ExitRecord(*job.exit), turn);
  }
}

void Core::State::Learn(SweepRun& sweep, LiveJob& job, const MetricReport& report, Turn& turn) {
  job.step = report.step;
  for (const auto& [name, told] : report.values) {
    if (name == kSamplesPerSecond) job.samples_per_s = told;
    if (name == kPercentOfLimit) job.percent_of_limit = told;
  }
  if (!sweep.spec.metric) return;
  LearnFurther(sweep, job.number, report);
  const Metric& metric = *sweep.spec.metric;
  const auto value =
      std::ranges::find(report.values, metric.name, [](const auto& entry) { return entry.first; });
  if (value == report.values.end()) return;
  TrialRecord& trial = sweep.trials.Touch(job.number);
  trial.objective = value->second;
  trial.metric_seen = true;
  ++sweep.metric_reports;
  LookAt(sweep, job, report.step, value->second, turn);
  LookAtSegment(sweep, job, report.step, turn);
  if (!metric.target || std::isnan(value->second) || sweep.IsEnding()) return;
  if (sweep.IsBetter(*metric.target, value->second)) return;
  BeginEnding(sweep, SweepOutcome::kTargetReached,
              fmt::format("target reached: {} {} by trial {}", metric.name,
                          FormatNumber(value->second), job.number),
              turn);
  // The winner goes on to its own end: what it does after training is part of it.
  StopAll(sweep, StopCause::kSweepEnds, job.id, turn);
}

void Core::State::LearnFurther(SweepRun& sweep, std::int64_t number, const MetricReport& report) {
  const std::vector<Metric>& objectives = sweep.spec.objectives;
  for (std::size_t i = 1; i < objectives.size(); ++i) {
    for (const auto& [name, value] : report.values) {
      if (name != objectives[i].name) continue;
      auto& values = sweep.further[number];
      values.resize(objectives.size() - 1, std::numeric_limits<double>::quiet_NaN());
      values[i - 1] = value;
    }
  }
}

void Core::State::On(const BackupMade& made, Turn& turn) {
  for (const Store::SavedMark& mark : made.marks) {
    const auto live = jobs.find(mark.rank.job);
    if (live != jobs.end()) {
      turn.Send(hosts.at(live->second.host), Ack{mark.rank, mark.seq, true});
      continue;
    }
    for (auto& [name, host] : hosts) {
      const auto unsaved = host.unsaved.find(mark.rank);
      if (unsaved == host.unsaved.end() || !host.is_up) continue;
      turn.Send(host, Ack{mark.rank, mark.seq, true});
      if (mark.seq >= unsaved->second) host.unsaved.erase(unsaved);
    }
  }
}

}  // namespace ddl
