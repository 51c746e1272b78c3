// SPDX-License-Identifier: Apache-2.0
#include "cli/warm_start.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/sweep_json.h"
#include "configs/error.h"
#include "scheduler/search/past_trials.h"
#include "scheduler/search/warm_start.h"
#include "store/reader.h"

namespace ddl {

namespace {

PastResults ResultsOfSweep(const std::string& name, const SweepSpec& spec,
                           const std::string& store_folder) {
  if (!std::filesystem::exists(store_folder + "/ddl.db")) {
    throw Error(fmt::format("warm_start: there is no sweep \"{}\"", name), store_folder,
                "name one that `ddl status` lists");
  }
  const StoreReader reader = StoreReader::Open(store_folder);
  const std::optional<SweepLine> sweep = reader.Sweep(name);
  if (!sweep) {
    throw Error(fmt::format("warm_start: there is no sweep \"{}\"", name), store_folder,
                "name one that `ddl status` lists");
  }
  if (spec.objectives.size() > 1 || !spec.metric || sweep->metric != spec.metric->name) {
    throw Error(fmt::format("warm_start: {} is about {}", name, sweep->metric), "",
                "a search learns from results of its own metric, and of one");
  }
  PastTrials trials(spec);
  for (const TrialLine& trial : reader.Trials(sweep->id, {})) {
    if (!IsEnded(trial.state)) continue;
    PastTrial ended{.parameters = ParametersOf(trial.params_json), .state = trial.state};
    if (trial.objective) ended.values = {*trial.objective};
    trials.Add(fmt::format("{}", trial.configuration), ended);
  }
  return trials.Results();
}

}  // namespace

void PrepareWarmStart(SweepRequest& request, const std::string& store_folder) {
  SweepSpec& spec = request.spec;
  if (!spec.warm_start) return;
  const WarmStart& warm = *spec.warm_start;
  const std::string& source = warm.file.empty() ? warm.sweep : warm.file;
  PastResults past =
      warm.file.empty() ? ResultsOfSweep(source, spec, store_folder) : ReadWarmStartFile(spec);
  const std::int64_t known = past.Known();
  if (past.results.empty()) {
    throw Error(fmt::format("warm_start: none of {} results of {} fits this space", known, source),
                "",
                "the parameters need the same names, values within their ranges, and constants as "
                "they are");
  }
  const Goal goal = spec.objectives.empty() ? spec.metric->goal : spec.objectives.front().goal;
  spec.warm_points = BestResults(std::move(past.results), warm.limit, goal);
  fmt::print(stderr, "note: learns from {} of {} results of {}\n", spec.warm_points.size(), known,
             source);
}

}  // namespace ddl
