// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/show.h"
#include "cli/sweep_json.h"
#include "configs/error.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

// A column that holds JSON; text when it does not.
Json Inner(const std::string& text) {
  if (text.empty()) return nullptr;
  try {
    return ParseJson(text, "row");
  } catch (const Error&) {
    return text;
  }
}

Json AttemptJson(const AttemptLine& attempt) {
  const bool exited = attempt.cause == EndCause::kExited;
  const bool signaled = attempt.cause == EndCause::kSignaled;
  return {{"attempt", attempt.attempt},
          {"job", attempt.job.value},
          {"host", attempt.host},
          {"slots", Inner(attempt.slots_json)},
          {"argv", Inner(attempt.argv_json)},
          {"folder", attempt.job_folder},
          {"pid", attempt.pid == 0 ? Json(nullptr) : Json(attempt.pid)},
          {"cause", attempt.cause ? Json(ToString(*attempt.cause)) : Json(nullptr)},
          {"exit_code", exited ? Json(attempt.exit_code) : Json(nullptr)},
          {"signal", signaled ? Json(attempt.signal) : Json(nullptr)},
          {"detail", OrNull(attempt.detail)},
          {"created_ms", TimeOrNull(attempt.created_ms)},
          {"started_ms", TimeOrNull(attempt.started_ms)},
          {"ended_ms", TimeOrNull(attempt.ended_ms)},
          {"wall_ms", attempt.wall_ms},
          {"cpu_ms", attempt.cpu_ms},
          {"peak_memory_kib", attempt.peak_memory_kib},
          {"log_bytes", attempt.log_bytes}};
}

Json MetricJson(const MetricSummary& metric) {
  return {{"metric", metric.name}, {"reports", metric.count},
          {"last", metric.last},   {"last_step", metric.last_step},
          {"min", metric.min},     {"min_step", metric.min_step},
          {"max", metric.max},     {"max_step", metric.max_step}};
}

Json CurveJson(const MetricCurve& curve) {
  Json points = Json::array();
  for (const CurvePoint& point : curve.points) {
    points.push_back({{"step", point.step},
                      {"elapsed_ms", point.elapsed_ms},
                      {"attempt", point.attempt},
                      {"value", point.value}});
  }
  return {{"metric", curve.metric}, {"points", std::move(points)}};
}

template <class T, class Convert>
Json ListOf(const std::vector<T>& values, Convert convert) {
  Json list = Json::array();
  for (const T& value : values) {
    list.push_back(convert(value));
  }
  return list;
}

}  // namespace

Json ShowJson(const SweepView& view) {
  const auto event = [](const EventLine& line) {
    return Json{{"at_ms", line.at_ms},
                {"trial", line.trial_number == 0 ? Json(nullptr) : Json(line.trial_number)},
                {"text", line.text}};
  };
  return {{"sweep", SweepJson(view.sweep)},
          {"events", ListOf(view.events, event)},
          {"provenance", view.provenance}};
}

Json ShowJson(const TrialView& view) {
  const auto event = [](const EventLine& line) {
    return Json{{"at_ms", line.at_ms}, {"text", line.text}};
  };
  Json attempts = ListOf(view.attempts, AttemptJson);
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const bool known = i < view.folders_gone.size() && !view.folders_gone[i].empty();
    attempts[i]["folder_gone"] = known ? Json(view.folders_gone[i]) : Json(nullptr);
  }
  return {{"sweep", view.sweep.name},
          {"metric", OrNull(view.sweep.metric)},
          {"trial", TrialJson(view.trial)},
          {"attempts", std::move(attempts)},
          {"metrics", ListOf(view.metrics, MetricJson)},
          {"curves", ListOf(view.curves, CurveJson)},
          {"events", ListOf(view.events, event)},
          {"goes_on_from", view.parent > 0 ? Json(view.parent) : Json(nullptr)},
          {"results", view.results && !view.results->empty() ? Json(*view.results) : Json(nullptr)},
          {"provenance", view.provenance}};
}

}  // namespace ddl
