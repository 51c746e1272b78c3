// SPDX-License-Identifier: Apache-2.0
// The parts of a report that are computed, not read.
#include <algorithm>
#include <map>
#include <utility>

#include "cli/report.h"
#include "cli/sweep_json.h"

namespace ddl {

double SavedShare(const PruningLine& pruning) {
  const auto all = static_cast<double>(pruning.trials * pruning.whole);
  return all > 0 ? 1 - static_cast<double>(pruning.reports) / all : 0;
}

std::vector<std::string> VaryingParameters(const Space& space) {
  std::vector<std::string> names;
  for (const Parameter& parameter : space) {
    if (Varies(parameter)) names.push_back(parameter.Name());
  }
  return names;
}

std::vector<FailureGroup> GroupFailures(const std::vector<TrialLine>& failed) {
  constexpr std::size_t kFew = 5;
  std::map<std::string, FailureGroup> by_reason;
  for (const TrialLine& trial : failed) {
    FailureGroup& group = by_reason[trial.reason];
    group.reason = trial.reason;
    ++group.count;
    if (group.trials.size() < kFew) group.trials.push_back(trial.number);
  }
  std::vector<FailureGroup> groups;
  groups.reserve(by_reason.size());
  for (auto& [reason, group] : by_reason) {
    groups.push_back(std::move(group));
  }
  std::ranges::stable_sort(groups, std::greater<>(), &FailureGroup::count);
  return groups;
}

std::vector<CurvePoint> ServedCurve(const std::vector<CurvePoint>& points) {
  std::vector<CurvePoint> served;
  for (const CurvePoint& point : points) {
    while (!served.empty() && served.back().attempt < point.attempt &&
           served.back().step >= point.step) {
      served.pop_back();
    }
    served.push_back(point);
  }
  return served;
}

bool IsRanked(const TrialLine& trial) {
  const bool counts = trial.state == TrialState::kFinished || trial.state == TrialState::kPruned;
  return counts && trial.objective.has_value();
}

std::optional<BestConfiguration> BestOf(const Report& report) {
  if (report.front) return {};
  if (report.seeds > 1) {
    if (report.configurations.empty() || report.configurations.front().ended == 0) return {};
    const ConfigurationLine& first = report.configurations.front();
    return BestConfiguration{first.first_trial_number, first.mean, ParametersOf(first.params_json)};
  }
  const auto first = std::ranges::find_if(report.trials, IsRanked);
  if (first == report.trials.end()) return {};
  return BestConfiguration{first->number, *first->objective, ParametersOf(first->params_json)};
}

}  // namespace ddl
