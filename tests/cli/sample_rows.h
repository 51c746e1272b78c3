// SPDX-License-Identifier: Apache-2.0
// Rows of a made-up sweep, as a store would give them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "cli/report.h"
#include "configs/json.h"
#include "store/reader.h"

namespace ddl::test {

inline constexpr std::int64_t kBegun = 1'795'421'640'000;  // 2026-11-23 08:14 UTC

inline SweepLine SampleSweep() {
  SweepLine sweep;
  sweep.id = {1};
  sweep.name = "fashion-mlp";
  sweep.description = "a small network";
  sweep.state = SweepState::kFinished;
  sweep.outcome = SweepOutcome::kSomeFailed;
  sweep.metric = "val_accuracy";
  sweep.maximize = true;
  sweep.trials_planned = 24;
  sweep.counts.by_state = {{TrialState::kFinished, 18},
                           {TrialState::kPruned, 3},
                           {TrialState::kFailed, 2},
                           {TrialState::kWaiting, 1}};
  sweep.best = 0.893412;
  sweep.best_trial_number = 17;
  sweep.created_ms = kBegun;
  sweep.changed_ms = kBegun + 192'000;
  return sweep;
}

inline TrialLine SampleTrial(std::int64_t number, double value, const Json& parameters) {
  TrialLine trial;
  trial.id = {100 + number};
  trial.number = number;
  trial.configuration = number - 1;
  trial.state = TrialState::kFinished;
  trial.params_json = DumpJson(parameters);
  trial.attempts = 1;
  trial.objective = value;
  trial.best_objective = value + 0.001;
  trial.started_ms = kBegun + 1'000 * number;
  trial.ended_ms = trial.started_ms + 12'345;
  return trial;
}

inline TrialLine FailedTrial(std::int64_t number, const std::string& reason) {
  TrialLine trial = SampleTrial(number, 0, {{"optimizer.lr", 2.0}});
  trial.state = TrialState::kFailed;
  trial.reason = reason;
  trial.objective.reset();
  trial.best_objective.reset();
  return trial;
}

inline std::vector<CurvePoint> SampleCurve(double height, int points) {
  std::vector<CurvePoint> curve;
  for (int i = 1; i <= points; ++i)
    curve.push_back({.step = i,
                     .elapsed_ms = 100 * i,
                     .attempt = 1,
                     .value = height * (1 - std::exp(-i / 3.0))});
  return curve;
}

inline Report SampleReport() {
  Report report;
  report.sweep = SampleSweep();
  report.varying = {"optimizer.lr", "model.hidden", "optimizer.type"};
  report.target = 0.89;
  report.trials = {SampleTrial(17, 0.893412,
                               {{"optimizer.lr", 0.0123456},
                                {"model.hidden", {256, 128}},
                                {"optimizer.type", "sgd"},
                                {"epochs", 3}}),
                   SampleTrial(4, 0.8871,
                               {{"optimizer.lr", 0.1},
                                {"model.hidden", {512}},
                                {"optimizer.type", "adam"},
                                {"epochs", 3}}),
                   SampleTrial(21, 0.7,
                               {{"optimizer.lr", 0.0000123},
                                {"model.hidden", {512, 512, 512}},
                                {"optimizer.type", "sgd"},
                                {"epochs", 3}})};
  report.trials.back().state = TrialState::kPruned;
  report.curves = {{17, SampleCurve(0.9, 12)}, {4, SampleCurve(0.88, 12)}};
  report.failures = GroupFailures({FailedTrial(9, "exit code 1"), FailedTrial(11, "exit code 1")});
  report.failures_read = 2;
  return report;
}

}  // namespace ddl::test
