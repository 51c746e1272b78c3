// SPDX-License-Identifier: Apache-2.0
#include "cli/sweep_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/format.h"
#include "configs/error.h"
#include "scheduler/json_fields.h"
#include "scheduler/search/search.h"

namespace ddl {

namespace {

constexpr std::array kStates{TrialState::kWaiting, TrialState::kLaunching, TrialState::kRunning,
                             TrialState::kPaused,  TrialState::kStopping,  TrialState::kFinished,
                             TrialState::kPruned,  TrialState::kFailed,    TrialState::kCanceled};

}  // namespace

Json TimeOrNull(std::int64_t unix_ms) {
  return unix_ms == 0 ? Json(nullptr) : Json(unix_ms);
}

std::int64_t CountOf(const StateCounts& counts, TrialState state) {
  const auto found = counts.by_state.find(state);
  return found == counts.by_state.end() ? 0 : found->second;
}

std::int64_t EndedCount(const StateCounts& counts) {
  std::int64_t ended = 0;
  for (const auto& [state, count] : counts.by_state) {
    ended += IsEnded(state) ? count : 0;
  }
  return ended;
}

std::int64_t WaitingCount(const SweepLine& sweep) {
  std::int64_t rows = 0;
  for (const auto& [state, count] : sweep.counts.by_state) {
    rows += count;
  }
  const std::int64_t without_row = std::max<std::int64_t>(0, sweep.trials_planned - rows);
  return CountOf(sweep.counts, TrialState::kWaiting) + without_row;
}

Json PlannedOrNull(std::int64_t trials) {
  return trials == 0 || trials >= kOpenEnded ? Json(nullptr) : Json(trials);
}

Json SweepJson(const SweepLine& sweep) {
  Json counts = Json::object();
  for (const TrialState state : kStates) {
    counts[std::string(ToString(state))] = CountOf(sweep.counts, state);
  }
  counts["waiting"] = WaitingCount(sweep);
  Json objectives = Json::array();
  for (const SweepObjective& objective : sweep.objectives) {
    objectives.push_back(
        {{"name", objective.name}, {"goal", objective.maximize ? "maximize" : "minimize"}});
  }
  Json best = nullptr;
  if (sweep.best) best = {{"trial", sweep.best_trial_number}, {"value", *sweep.best}};
  return {{"id", sweep.id.value},
          {"sweep", sweep.name},
          {"description", OrNull(sweep.description)},
          {"state", ToString(sweep.state)},
          {"outcome", OrNull(ToString(sweep.outcome))},
          {"reason", OrNull(sweep.reason)},
          {"search_note", OrNull(sweep.search_note)},
          {"metric", OrNull(sweep.metric)},
          {"goal", sweep.maximize ? "maximize" : "minimize"},
          {"objectives", std::move(objectives)},
          {"planned", PlannedOrNull(sweep.trials_planned)},
          {"counts", std::move(counts)},
          {"best", std::move(best)},
          {"created_ms", TimeOrNull(sweep.created_ms)},
          {"changed_ms", TimeOrNull(sweep.changed_ms)}};
}

Json TrialJson(const TrialLine& trial) {
  return {{"trial", trial.number},
          {"configuration", trial.configuration},
          {"seed_index", trial.seed_index},
          {"state", ToString(trial.state)},
          {"reason", OrNull(trial.reason)},
          {"attempts", trial.attempts},
          {"value", OrNull(trial.objective)},
          {"best_value", OrNull(trial.best_objective)},
          {"started_ms", TimeOrNull(trial.started_ms)},
          {"ended_ms", TimeOrNull(trial.ended_ms)},
          {"parameters", ParametersOf(trial.params_json)}};
}

Json ParametersOf(std::string_view params_json) {
  try {
    Json parameters = ParseJson(params_json, "parameters", true);
    return parameters.is_object() ? parameters : Json::object();
  } catch (const Error&) {  // a damaged row must not take the whole report along
    return Json::object();
  }
}

}  // namespace ddl
