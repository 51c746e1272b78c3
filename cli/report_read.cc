// SPDX-License-Identifier: Apache-2.0
// What a report reads from the store.
#include <algorithm>
#include <utility>

#include "cli/report.h"
#include "configs/json.h"
#include "configs/spec.h"

namespace ddl {

namespace {

constexpr std::size_t kCurves = 3;
constexpr std::int64_t kFailuresRead = 1'000;

std::vector<ReportCurve> ReadCurves(const StoreReader& reader, const Report& report) {
  std::vector<ReportCurve> curves;
  if (report.sweep.metric.empty()) return curves;
  for (const TrialLine& trial : report.trials) {
    if (curves.size() == kCurves || !trial.objective) break;
    curves.push_back({trial.number, ServedCurve(reader.Curve(trial.id, report.sweep.metric))});
  }
  return curves;
}

}  // namespace

Report ReadReport(const StoreReader& reader, const SweepLine& sweep, std::int64_t top) {
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store"));
  Report report{.sweep = sweep,
                .varying = VaryingParameters(spec.space),
                .seeds = spec.seeds,
                .target = spec.metric ? spec.metric->target : std::nullopt};
  const TrialOrder order = sweep.metric.empty() ? TrialOrder::kByNumber : TrialOrder::kBestFirst;
  report.trials = reader.Trials(sweep.id, {.order = order, .limit = top});
  if (report.seeds > 1) report.configurations = reader.Configurations(sweep.id, top);
  report.curves = ReadCurves(reader, report);
  const std::vector<TrialLine> failed =
      reader.Trials(sweep.id, {.state = TrialState::kFailed, .limit = kFailuresRead});
  report.failures = GroupFailures(failed);
  report.failures_read = std::ssize(failed);
  return report;
}

}  // namespace ddl
