// SPDX-License-Identifier: Apache-2.0
#include "scheduler/progress_json.h"

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "configs/error.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

struct CountField {
  const char* name;
  std::int64_t SweepProgress::* count;
};

constexpr std::array kCounts{
    CountField{"waiting", &SweepProgress::waiting},
    CountField{"launching", &SweepProgress::launching},
    CountField{"running", &SweepProgress::running},
    CountField{"paused", &SweepProgress::paused},
    CountField{"stopping", &SweepProgress::stopping},
    CountField{"finished", &SweepProgress::finished},
    CountField{"pruned", &SweepProgress::pruned},
    CountField{"failed", &SweepProgress::failed},
    CountField{"canceled", &SweepProgress::canceled},
};

constexpr std::array kStates{SweepState::kRunning, SweepState::kFinished, SweepState::kStopped};
constexpr std::array kOutcomes{SweepOutcome::kNone,          SweepOutcome::kAllDone,
                               SweepOutcome::kSomeFailed,    SweepOutcome::kTargetReached,
                               SweepOutcome::kTargetMissed,  SweepOutcome::kLimitReached,
                               SweepOutcome::kStoppedByUser, SweepOutcome::kSearchFailed};

SweepState StateFrom(std::string_view name) {
  for (const SweepState state : kStates) {
    if (ToString(state) == name) return state;
  }
  throw Error("no such state of a sweep", name, "use the same version of ddl everywhere");
}

SweepOutcome OutcomeFrom(const Json& name) {
  if (name.is_null()) return SweepOutcome::kNone;
  for (const SweepOutcome outcome : kOutcomes) {
    if (ToString(outcome) == name.get_ref<const std::string&>()) return outcome;
  }
  throw Error("no such outcome of a sweep", name.get_ref<const std::string&>(),
              "use the same version of ddl everywhere");
}

Json BestJson(const SweepProgress& progress) {
  if (!progress.best) return nullptr;
  return {{"trial", progress.best_number},
          {"value", *progress.best},
          {"parameters", progress.best_configuration}};
}

Json FrontJson(const SweepProgress& progress) {
  if (progress.front == 0) return nullptr;
  Json best = Json::array();
  for (const auto& [metric, value] : progress.front_best) {
    best.push_back({{"metric", metric}, {"value", value}});
  }
  return {{"size", progress.front}, {"best", std::move(best)}};
}

void ReadFront(const Json& front, SweepProgress& progress) {
  if (front.is_null()) return;
  progress.front = WholeNumber<std::int64_t>(front.at("size"));
  for (const Json& best : front.at("best")) {
    progress.front_best.emplace_back(best.at("metric").get<std::string>(),
                                     NumberFrom(best.at("value")).value_or(0));
  }
}

RunningTrial TrialFrom(const Json& message) {
  RunningTrial trial;
  trial.number = WholeNumber<std::int64_t>(message.at("trial"));
  trial.host = message.at("host").get<std::string>();
  trial.started = std::chrono::nanoseconds(WholeNumber<std::int64_t>(message.at("started_ns")));
  if (!message.at("step").is_null()) trial.step = WholeNumber<std::int64_t>(message.at("step"));
  trial.objective = NumberFrom(message.at("value"));
  trial.samples_per_s = NumberFrom(message.at("samples_per_s"));
  trial.percent_of_limit = NumberFrom(message.at("percent_of_limit"));
  return trial;
}

SweepProgress SweepFrom(const Json& message) {
  SweepProgress progress;
  progress.id = {WholeNumber<std::int64_t>(message.at("id"))};
  progress.name = message.at("sweep").get<std::string>();
  if (!message.at("metric").is_null()) progress.metric = message.at("metric").get<std::string>();
  progress.maximize = message.at("goal") == "maximize";
  if (const Json& planned = message.at("planned"); !planned.is_null()) {
    progress.planned = WholeNumber<std::int64_t>(planned);
  }
  for (const CountField& field : kCounts) {
    progress.*field.count = WholeNumber<std::int64_t>(message.at("counts").at(field.name));
  }
  progress.held = WholeNumber<std::int64_t>(message.at("held"));
  if (const Json& best = message.at("best"); !best.is_null()) {
    progress.best = NumberFrom(best.at("value"));
    progress.best_number = WholeNumber<std::int64_t>(best.at("trial"));
    progress.best_configuration = best.at("parameters");
  }
  ReadFront(message.at("front"), progress);
  progress.trials_per_s = NumberFrom(message.at("trials_per_s")).value_or(0);
  progress.seconds_left = NumberFrom(message.at("seconds_left"));
  progress.state = StateFrom(message.at("state").get_ref<const std::string&>());
  progress.outcome = OutcomeFrom(message.at("outcome"));
  if (const Json& why = message.at("waiting_for"); !why.is_null()) {
    progress.waiting_for = why.get<std::string>();
  }
  return progress;
}

}  // namespace

std::optional<double> NumberFrom(const Json& value) {
  if (value.is_null()) return std::nullopt;
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return value.get<double>();
}

Json ProgressJson(const SweepProgress& progress, const std::vector<RunningTrial>& running) {
  Json counts = Json::object();
  for (const CountField& field : kCounts) {
    counts[field.name] = progress.*field.count;
  }
  Json trials = Json::array();
  for (const RunningTrial& trial : running) {
    trials.push_back({{"trial", trial.number},
                      {"host", trial.host},
                      {"started_ns", trial.started.count()},
                      {"step", OrNull(trial.step)},
                      {"value", OrNull(trial.objective)},
                      {"samples_per_s", OrNull(trial.samples_per_s)},
                      {"percent_of_limit", OrNull(trial.percent_of_limit)}});
  }
  return {{"id", progress.id.value},
          {"sweep", progress.name},
          {"metric", OrNull(progress.metric)},
          {"goal", progress.maximize ? "maximize" : "minimize"},
          {"planned", progress.planned == 0 ? Json(nullptr) : Json(progress.planned)},
          {"counts", std::move(counts)},
          {"held", progress.held},
          {"best", BestJson(progress)},
          {"front", FrontJson(progress)},
          {"trials_per_s", progress.trials_per_s},
          {"seconds_left", OrNull(progress.seconds_left)},
          {"state", ToString(progress.state)},
          {"outcome", OrNull(ToString(progress.outcome))},
          {"waiting_for", OrNull(progress.waiting_for)},
          {"running", std::move(trials)}};
}

ProgressMessage ProgressFromJson(const Json& message) {
  try {
    ProgressMessage read{SweepFrom(message), {}};
    for (const Json& trial : message.at("running")) {
      read.running.push_back(TrialFrom(trial));
    }
    return read;
  } catch (const Json::exception& problem) {
    throw Error(problem.what(), "progress message", "use the same version of ddl everywhere");
  }
}

}  // namespace ddl
