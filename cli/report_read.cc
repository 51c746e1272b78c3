// SPDX-License-Identifier: Apache-2.0
// What a report reads from the store.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <ranges>
#include <utility>

#include "cli/report.h"
#include "configs/gpu_metrics.h"
#include "configs/json.h"
#include "configs/metric_report.h"
#include "configs/spec.h"
#include "scheduler/reasons.h"

namespace ddl {

namespace {

constexpr std::size_t kCurves = 3;
constexpr int kTrialsForSpeed = 100;
constexpr std::int64_t kFailuresRead = 1'000;

// In the order of the table; `top` of them, 0: all.
std::vector<TrialLine> ReadTrials(const StoreReader& reader, const SweepLine& sweep,
                                  std::int64_t top) {
  if (sweep.metric.empty()) return reader.Trials(sweep.id, {.limit = top});
  constexpr TrialOrder kOrder = TrialOrder::kBestFirst;
  std::vector<TrialLine> trials;
  for (const TrialState state : {TrialState::kFinished, TrialState::kPruned}) {
    std::ranges::move(reader.Trials(sweep.id, {.order = kOrder, .state = state, .limit = top}),
                      std::back_inserter(trials));
  }
  std::ranges::sort(trials, [&sweep](const TrialLine& a, const TrialLine& b) {
    if (a.objective.has_value() != b.objective.has_value()) return a.objective.has_value();
    if (a.objective == b.objective) return a.number < b.number;
    return sweep.maximize ? *a.objective > *b.objective : *a.objective < *b.objective;
  });
  const auto is_full = [&] { return top > 0 && std::ssize(trials) >= top; };
  if (!is_full()) {
    for (TrialLine& trial : reader.Trials(sweep.id, {.order = kOrder, .limit = top})) {
      const bool is_there =
          trial.state == TrialState::kFinished || trial.state == TrialState::kPruned;
      if (!is_there && !is_full()) trials.push_back(std::move(trial));
    }
  }
  if (is_full()) trials.resize(static_cast<std::size_t>(top));
  return trials;
}

std::vector<ReportCurve> ReadCurves(const StoreReader& reader, const Report& report) {
  std::vector<ReportCurve> curves;
  if (report.sweep.metric.empty()) return curves;
  const auto add = [&](const TrialLine& trial) {
    curves.push_back({trial.number, ServedCurve(reader.Curve(trial.id, report.sweep.metric))});
  };
  if (report.front) {
    for (const FrontMember& member : report.shown) {
      if (curves.size() == kCurves) break;
      if (const auto trial = reader.Trial(report.sweep.id, member.first_trial)) add(*trial);
    }
    return curves;
  }
  for (const TrialLine& trial : report.trials) {
    if (curves.size() == kCurves) break;
    if (trial.objective) add(trial);
  }
  return curves;
}

std::optional<double> Median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

std::optional<ReportSpeed> ReadSpeed(const StoreReader& reader, const Report& report) {
  std::map<std::string, std::vector<double>, std::less<>> told;
  for (const TrialLine& trial : report.trials | std::views::take(kTrialsForSpeed)) {
    for (const MetricSummary& metric : reader.Summaries(trial.id)) {
      if (std::isfinite(metric.last)) told[metric.name].push_back(metric.last);
    }
  }
  const std::vector<double>& rates = told[std::string(kSamplesPerSecond)];
  const auto rate = Median(rates);
  if (!rate) return std::nullopt;
  return ReportSpeed{.trials = std::ssize(rates),
                     .samples_per_s = *rate,
                     .gflops = Median(told[std::string(kGflops)]),
                     .percent_of_limit = Median(told[std::string(kPercentOfLimit)]),
                     .joules = Median(told[std::string(kGpuJoules)])};
}

// Of groups beyond the first few nobody reads them.
void AddLastLines(const StoreReader& reader, const std::vector<TrialLine>& failed,
                  std::vector<FailureGroup>& groups) {
  constexpr std::size_t kMostGroups = 20;
  for (FailureGroup& group : groups | std::views::take(kMostGroups)) {
    const auto first = std::ranges::find(failed, group.trials.front(), &TrialLine::number);
    const std::vector<AttemptLine> attempts = reader.Attempts(first->id);
    if (!attempts.empty()) group.said = attempts.back().detail;
  }
}

void ReadFrontOf(Report& report, const StoreReader& reader, std::int64_t top,
                 const std::vector<double>& reference) {
  std::vector<FrontMember> finished;
  if (!report.sweep.objectives.empty()) {
    finished = ReadFinished(reader, report.sweep, report.seeds);
  }
  report.growth = GrowthOf(report.sweep, finished, reference);  // refuses a reference that is wrong
  report.front = FrontOf(report.sweep, report.seeds, finished);
  report.shown = ReadShown(reader, report.sweep, *report.front, top);
}

}  // namespace

Report ReadReport(const StoreReader& reader, const SweepLine& sweep, std::int64_t top,
                  const std::vector<double>& reference) {
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store"));
  Report report{.sweep = sweep,
                .varying = VaryingParameters(spec.space),
                .seeds = spec.seeds,
                .target = spec.metric ? spec.metric->target : std::nullopt};
  report.trials = ReadTrials(reader, sweep, top);
  if (report.seeds > 1) {
    report.configurations = reader.Configurations(sweep.id, top);
  }
  if (!sweep.objectives.empty() || !reference.empty()) {
    ReadFrontOf(report, reader, top, reference);
  } else if (report.seeds > 1) {
    report.against_best = CompareConfigurations(reader, sweep, report.seeds, report.configurations);
  }
  report.curves = ReadCurves(reader, report);
  report.speed = ReadSpeed(reader, report);
  const std::int64_t pruned = sweep.counts.Of(TrialState::kPruned);
  if (spec.early_terminate && pruned + sweep.counts.Of(TrialState::kPaused) > 0) {
    report.pruning = reader.Pruning(sweep.id, kPausedByPruner);
  }
  // With pbt a value counts for what was trained before too: its trials are no sample.
  if (!spec.pbt) report.importances = ReadImportances(reader, sweep, spec);
  if (!report.trials.empty() && IsRanked(report.trials.front())) {
    report.schedule = ReadSchedule(reader, sweep, spec, report.trials.front().number);
  }
  const std::vector<TrialLine> failed =
      reader.Trials(sweep.id, {.state = TrialState::kFailed, .limit = kFailuresRead});
  report.failures = GroupFailures(failed);
  report.is_outside = spec.is_outside;
  report.failures_read = std::ssize(failed);
  AddLastLines(reader, failed, report.failures);
  return report;
}

}  // namespace ddl
