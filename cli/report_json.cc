// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/report.h"
#include "cli/sweep_json.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

Json ConfigurationsJson(const Report& report) {
  Json list = Json::array();
  for (const ConfigurationLine& line : report.configurations) {
    const bool some = line.ended > 0;
    const auto number = [&](double value) { return some ? Json(value) : Json(nullptr); };
    list.push_back({{"configuration", line.configuration},
                    {"first_trial", line.first_trial_number},
                    {"seeds", line.ended},
                    {"mean", number(line.mean)},
                    {"deviation", number(line.deviation)},
                    {"min", number(line.min)},
                    {"max", number(line.max)},
                    {"parameters", ParametersOf(line.params_json)}});
  }
  return list;
}

Json CurvesJson(const Report& report) {
  Json list = Json::array();
  for (const ReportCurve& curve : report.curves) {
    Json points = Json::array();
    for (const CurvePoint& point : curve.points) {
      points.push_back({{"step", point.step},
                        {"elapsed_ms", point.elapsed_ms},
                        {"attempt", point.attempt},
                        {"value", point.value}});
    }
    list.push_back({{"trial", curve.trial}, {"points", std::move(points)}});
  }
  return list;
}

Json FailuresJson(const Report& report) {
  Json list = Json::array();
  for (const FailureGroup& group : report.failures) {
    list.push_back(
        {{"reason", group.reason},
         {"count", group.count},
         {"first_trials", group.trials},
         {"last_line_of_the_first", group.said.empty() ? Json(nullptr) : Json(group.said)}});
  }
  return list;
}

Json PruningJson(const Report& report) {
  if (!report.pruning) return nullptr;
  return {{"trials", report.pruning->trials},
          {"reports", report.pruning->reports},
          {"reports_of_a_whole_trial", report.pruning->whole},
          {"saved", SavedShare(*report.pruning)},
          {"paused", report.pruning->paused},
          {"went_on", report.pruning->went_on}};
}

Json SpeedJson(const Report& report) {
  if (!report.speed) return nullptr;
  return {{"trials", report.speed->trials},
          {"samples_per_s", report.speed->samples_per_s},
          {"gflops", OrNull(report.speed->gflops)},
          {"percent_of_limit", OrNull(report.speed->percent_of_limit)},
          {"joules", OrNull(report.speed->joules)}};
}

}  // namespace

Json ReportJson(const Report& report) {
  Json trials = Json::array();
  for (const TrialLine& trial : report.trials) {
    trials.push_back(TrialJson(trial));
  }
  Json best = nullptr;
  if (const auto found = BestOf(report)) {
    best = {{"trial", found->trial},
            {"value", OrNull(found->value)},
            {"parameters", found->parameters}};
  }
  return {
      {"sweep", SweepJson(report.sweep)},
      {"target", OrNull(report.target)},
      {"seeds", report.seeds},
      {"varying_parameters", report.varying},
      {"best", std::move(best)},
      {"front", report.front ? FrontJson(*report.front, report.shown) : Json(nullptr)},
      {"hypervolume", report.growth ? GrowthJson(*report.growth) : Json(nullptr)},
      {"trials", std::move(trials)},
      {"configurations", ConfigurationsJson(report)},
      {"over_seeds", report.against_best ? AgainstBestJson(*report.against_best) : Json::array()},
      {"curves", CurvesJson(report)},
      {"speed", SpeedJson(report)},
      {"pruning", PruningJson(report)},
      {"schedule", ScheduleJson(report.schedule)},
      {"importances", report.importances ? ImportancesJson(*report.importances) : Json(nullptr)},
      {"failures", FailuresJson(report)}};
}

}  // namespace ddl
