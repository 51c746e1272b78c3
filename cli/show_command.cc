// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/results.h"
#include "cli/show.h"
#include "cli/trial_name.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "store/location.h"

namespace ddl {

namespace {

std::vector<MetricCurve> CurvesOf(const StoreReader& reader, const TrialView& view) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> names;
  for (const MetricSummary& metric : view.metrics) {
    if (metric.name == view.sweep.metric) names.insert(names.begin(), metric.name);
    if (view.sweep.metric.empty() && names.size() < kMost) names.push_back(metric.name);
  }
  std::vector<MetricCurve> curves;
  for (std::string& name : names) {
    auto points = ServedCurve(reader.Curve(view.trial.id, name));
    curves.push_back({std::move(name), std::move(points)});
  }
  return curves;
}

Json ProvenanceOf(const std::string& text) {
  if (text.empty()) return nullptr;
  try {
    return ParseJson(text, "provenance");
  } catch (const Error&) {  // a damaged row is shown as it is
    return Json{{"text", text}};
  }
}

}  // namespace

TrialView ReadTrialView(const StoreReader& reader, ChosenTrial chosen) {
  TrialView view;
  view.sweep = std::move(chosen.sweep);
  view.trial = std::move(chosen.trial);
  view.provenance = ProvenanceOf(reader.ProvenanceJson(view.sweep.id));
  if (!view.trial.id) return view;
  view.attempts = reader.Attempts(view.trial.id);
  const std::map<std::int64_t, std::int64_t> parents = reader.Parents(view.sweep.id);
  if (const auto parent = parents.find(view.trial.number); parent != parents.end()) {
    view.parent = parent->second;
  }
  for (const AttemptLine& attempt : view.attempts) {
    view.folders_gone.push_back(WhyFolderIsGone(attempt));
  }
  view.metrics = reader.Summaries(view.trial.id);
  view.curves = CurvesOf(reader, view);
  view.events = reader.TrialEvents(view.trial.id);
  return view;
}

SweepView ReadSweepView(const StoreReader& reader, SweepLine sweep) {
  constexpr std::int64_t kMostEvents = 100;
  SweepView view;
  view.fronts = ReadFronts(reader, {&sweep, 1});
  view.events = reader.Events(sweep.id, kMostEvents);
  std::ranges::reverse(view.events);
  view.provenance = ProvenanceOf(reader.ProvenanceJson(sweep.id));
  view.sweep = std::move(sweep);
  return view;
}

int RunShowCommand(const ShowOptions& options) {
  const std::string store_folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(store_folder);
  const TargetName target = ParseTargetName(options.trial);
  if (!target.number) {
    const SweepView view = ReadSweepView(reader, ChooseSweep(reader, target.sweep));
    if (options.common.json) {
      PrintJson(ShowJson(view));
    } else {
      PrintLines(ShowLines(view, DetectTerminal()));
    }
    return 0;
  }
  TrialView view = ReadTrialView(reader, ChooseTrial(reader, options.trial));
  if (const auto results = ResultsOf(reader, store_folder, view.sweep, view.trial)) {
    view.results = results->is_here ? results->folder : std::string();
  }
  if (options.common.json) {
    PrintJson(ShowJson(view));
  } else {
    PrintLines(ShowLines(view, DetectTerminal()));
  }
  return 0;
}

}  // namespace ddl
