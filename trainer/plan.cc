// SPDX-License-Identifier: Apache-2.0
#include "trainer/plan.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace ddl {

namespace {

constexpr std::size_t kNoStage = static_cast<std::size_t>(-1);

SoftmaxTargets TargetsOf(const std::vector<std::int32_t>& labels, std::size_t classes,
                         double smoothing) {
  return {.labels = labels.data(),
          .classes = classes,
          .label_smoothing = static_cast<float>(smoothing)};
}

RegressionTargets TargetsOf(const std::vector<std::int32_t>& labels, LossKind loss,
                            const LaneSettings& settings) {
  return {.labels = labels.data(),
          .kind = loss,
          .delta = settings.huber_delta,
          .scale = settings.target};
}

// The factor that shortens the gradient of all weights together to `clip_norm`, as PyTorch's
// clip_grad_norm_. Tensors are added in the order of the stages.
float ClipScale(const Model& model, const LaneRun& run) {
  double squares = 0.0;
  ForEachParameter(model.stages, [&](const ModelParameter& parameter) {
    squares += SumOfSquares(parameter.gradient.Floats(), run.At(parameter.gradient));
  });
  constexpr double kTiny = 1e-6;
  return static_cast<float>(std::min(1.0, run.settings.clip_norm / (std::sqrt(squares) + kTiny)));
}

template <class Kind>
void UpdateAll(const Kind& stage, const LaneRun& run) {
  for (const ModelParameter* parameter : stage.Parameters()) {
    if (!parameter->value.IsEmpty()) UpdateWhole(*parameter, run);
  }
}

}  // namespace

Plan::Plan(const ModelShape& shape, const std::vector<LaneSettings>& lanes)
    : model_(BuildModel(shape)), arena_(lanes.size(), model_.layout.Floats()) {
  assert(!lanes.empty());
  for (const LaneSettings& settings : lanes) {
    assert(StateTensors(settings.optimizer) <= shape.state_tensors);
    assert(shape.keeps_average || settings.ema_decay == 0.0);
    assert(shape.keeps_gradients || settings.clip_norm == 0.0);
    Lane lane;
    lane.run = {.settings = settings, .block = arena_.Lane(lanes_.size())};
    lane.labels.resize(model_.logits.rows);
    lanes_.push_back(std::move(lane));
  }
  CompileForward();
  CompileBackward();
  if (shape.keeps_gradients) CompileWholeUpdate();
  CompileEvaluation();
}

BatchPlace Plan::Batch(std::size_t lane) {
  return {.features = lanes_[lane].run.At(model_.input),
          .stride = model_.input.Stride(),
          .labels = lanes_[lane].labels};
}

std::span<float> Plan::State(std::size_t lane) {
  return {arena_.Lane(lane), model_.state_floats};
}

void Plan::SetStep(std::size_t lane, std::size_t rows, std::uint64_t step, double lr) {
  assert(rows > 0 && rows <= model_.shape.batch);
  LaneRun& run = lanes_[lane].run;
  run.rows = rows;
  run.step = step;
  run.rule = RuleAt(run.settings.optimizer, lr, step);
  run.average_rate = AverageRate(run.settings.ema_decay, step);
}

void Plan::Step() {
  for (const Call& call : step_calls_) {
    call.run();
  }
}

void Plan::Evaluate(std::size_t rows) {
  assert(rows <= model_.input.rows);
  for (Lane& lane : lanes_) {
    lane.run.rows = rows;
  }
  for (const Call& call : evaluation_calls_) {
    call.run();
  }
}

OutputView Plan::Outputs(std::size_t lane) const {
  const Lane& own = lanes_[lane];
  const std::size_t rows = own.run.rows * model_.targets;
  return {.at = own.run.At(model_.logits),
          .shape = {.rows = rows, .stride = model_.logits.Stride()},
          .outputs = model_.logits.cols,
          .labels = std::span(own.labels).first(rows)};
}

template <class Function>
void Plan::Add(std::vector<Call>& calls, const char* what, std::size_t stage, Function function) {
  const bool is_of_stage = stage != kNoStage;
  calls.push_back({.what = what,
                   .stage = is_of_stage ? NameOf(model_.stages[stage]) : "",
                   .number = is_of_stage ? stage + 1 : 0,
                   .run = [this, function = std::move(function)] {
                     for (Lane& lane : lanes_) {
                       function(lane);
                     }
                   }});
}

void Plan::CompileForward() {
  for (std::size_t i = 0; i < model_.stages.size(); ++i) {
    std::visit(
        [this, i](const auto& stage) {
          Add(step_calls_, "forward", i, [&stage](Lane& lane) { Forward(stage, lane.run); });
        },
        model_.stages[i]);
  }
  Add(step_calls_, "loss", kNoStage, [this](Lane& lane) {
    const Tensor& logits = model_.logits;
    const BlockShape shape{.rows = lane.run.rows * model_.targets, .stride = logits.Stride()};
    const LaneSettings& settings = lane.run.settings;
    lane.score =
        model_.shape.loss == LossKind::kCrossEntropy
            ? SoftmaxCrossEntropyGradient(
                  shape, TargetsOf(lane.labels, logits.cols, settings.label_smoothing),
                  lane.run.At(logits))
            : RegressionGradient(shape, TargetsOf(lane.labels, model_.shape.loss, settings),
                                 lane.run.At(logits));
  });
}

void Plan::CompileBackward() {
  const bool keeps_gradients = model_.shape.keeps_gradients;
  for (std::size_t i = model_.stages.size(); i-- > 0;) {
    std::visit(
        [&, this](const auto& stage) {
          Add(step_calls_, "backward", i, [&stage](Lane& lane) { Backward(stage, lane.run); });
          if constexpr (HasWeightGradient<std::decay_t<decltype(stage)>>) {
            Add(step_calls_, keeps_gradients ? "gradient" : "gradient+update", i,
                [&stage, keeps_gradients](Lane& lane) {
                  keeps_gradients ? WeightGradient(stage, lane.run) : FusedUpdate(stage, lane.run);
                });
          } else if (!keeps_gradients && !stage.Parameters().empty()) {
            Add(step_calls_, "update", i, [&stage](Lane& lane) { UpdateAll(stage, lane.run); });
          }
        },
        model_.stages[i]);
  }
}

void Plan::CompileWholeUpdate() {
  const auto clips = [](const Lane& lane) { return lane.run.settings.clip_norm > 0.0; };
  if (std::ranges::any_of(lanes_, clips)) {
    Add(step_calls_, "clip", kNoStage, [this, clips](Lane& lane) {
      if (clips(lane)) lane.run.rule.gradient_scale = ClipScale(model_, lane.run);
    });
  }
  for (std::size_t i = 0; i < model_.stages.size(); ++i) {
    std::visit(
        [this, i](const auto& stage) {
          if (stage.Parameters().empty()) return;
          Add(step_calls_, "update", i, [&stage](Lane& lane) { UpdateAll(stage, lane.run); });
        },
        model_.stages[i]);
  }
}

void Plan::CompileEvaluation() {
  for (std::size_t i = 0; i < model_.stages.size(); ++i) {
    std::visit(
        [this, i](const auto& stage) {
          Add(evaluation_calls_, "forward", i,
              [stage = OnAverages(stage)](Lane& lane) { ddl::Evaluate(stage, lane.run); });
        },
        model_.stages[i]);
  }
  Add(evaluation_calls_, "loss", kNoStage, [this](Lane& lane) {
    const Tensor& logits = model_.logits;
    const BlockShape shape{.rows = lane.run.rows * model_.targets, .stride = logits.Stride()};
    lane.score =
        model_.shape.loss == LossKind::kCrossEntropy
            ? SoftmaxCrossEntropy(shape, TargetsOf(lane.labels, logits.cols, 0.0),
                                  lane.run.At(logits))
            : RegressionScore(shape, TargetsOf(lane.labels, model_.shape.loss, lane.run.settings),
                              lane.run.At(logits));
  });
}

}  // namespace ddl
