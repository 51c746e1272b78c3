// SPDX-License-Identifier: Apache-2.0
#include "trainer/plan.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "trainer/initial_weights.h"

namespace ddl {

namespace {

SoftmaxTargets TargetsOf(const std::vector<std::int32_t>& labels, std::size_t classes,
                         double smoothing) {
  return {.labels = labels.data(),
          .classes = classes,
          .label_smoothing = static_cast<float>(smoothing)};
}

// The factor that shortens the gradient of all weights together to `clip_norm`, as PyTorch's
// clip_grad_norm_. Tensors are added in the order of the layers.
float ClipScale(const Model& model, const float* block, double clip_norm) {
  double squares = 0.0;
  for (const DenseStage& stage : model.layers) {
    const Tensor& weight = stage.weight.gradient;
    const Tensor& bias = stage.bias.gradient;
    squares += SumOfSquares(weight.Floats(), block + weight.offset);
    squares += SumOfSquares(bias.Floats(), block + bias.offset);
  }
  constexpr double kTiny = 1e-6;
  return static_cast<float>(std::min(1.0, clip_norm / (std::sqrt(squares) + kTiny)));
}

}  // namespace

Plan::Plan(const ModelShape& shape, const std::vector<LaneSettings>& lanes)
    : model_(BuildModel(shape)), arena_(lanes.size(), model_.layout.Floats()) {
  assert(!lanes.empty());
  const std::size_t rows = std::max(shape.batch, shape.evaluation_batch);
  for (const LaneSettings& settings : lanes) {
    assert(StateTensors(settings.optimizer) <= shape.state_tensors);
    assert(shape.has_clipping || settings.clip_norm == 0.0);
    assert(shape.has_dropout || settings.dropout == 0.0);
    Lane lane;
    lane.settings = settings;
    lane.labels.resize(rows);
    lanes_.push_back(std::move(lane));
  }
  CompileForward();
  CompileBackward();
  if (shape.has_clipping) CompileClippedUpdate();
  CompileEvaluation();
}

BatchPlace Plan::Batch(std::size_t lane) {
  return {.features = arena_.Lane(lane) + model_.input.offset,
          .stride = model_.input.Stride(),
          .labels = lanes_[lane].labels};
}

std::span<float> Plan::State(std::size_t lane) {
  return {arena_.Lane(lane), model_.state_floats};
}

void Plan::SetStep(std::size_t lane, std::size_t rows, std::uint64_t step, double lr) {
  assert(rows > 0 && rows <= model_.shape.batch);
  Lane& at = lanes_[lane];
  at.rows = rows;
  at.step = step;
  at.rule = RuleAt(at.settings.optimizer, lr, step);
}

void Plan::Step() {
  for (const Call& call : step_calls_) {
    call.run();
  }
}

void Plan::Evaluate(std::size_t rows) {
  assert(rows <= model_.input.rows);
  for (Lane& lane : lanes_) {
    lane.rows = rows;
  }
  for (const Call& call : evaluation_calls_) {
    call.run();
  }
}

void Plan::Add(std::vector<Call>& calls, const char* stage, std::size_t layer,
               LaneFunction function) {
  calls.push_back({stage, layer, [this, function = std::move(function)] {
                     for (std::size_t i = 0; i < lanes_.size(); ++i) {
                       function(lanes_[i], arena_.Lane(i));
                     }
                   }});
}

void Plan::CompileForward() {
  for (std::size_t i = 0; i < model_.layers.size(); ++i) {
    const DenseStage& stage = model_.layers[i];
    Add(step_calls_, "forward", i + 1,
        [&stage](Lane& lane, float* block) { DenseForward(stage, block, lane.rows); });
    if (i >= model_.dropouts.size()) continue;
    const DropoutStage& dropout = model_.dropouts[i];
    Add(step_calls_, "dropout", i + 1, [&dropout, i](Lane& lane, float* block) {
      DropoutForward(dropout, block, lane.rows, DropoutPlace(lane.settings.seed, lane.step, i),
                     lane.settings.dropout);
    });
  }
  const Tensor& logits = model_.layers.back().output;
  Add(step_calls_, "loss", 0, [&logits](Lane& lane, float* block) {
    lane.score = SoftmaxCrossEntropyGradient(
        {.rows = lane.rows, .stride = logits.Stride()},
        TargetsOf(lane.labels, logits.cols, lane.settings.label_smoothing), block + logits.offset);
  });
}

void Plan::CompileBackward() {
  for (std::size_t i = model_.layers.size(); i-- > 0;) {
    const DenseStage& stage = model_.layers[i];
    if (i < model_.dropouts.size()) {
      const DropoutStage& dropout = model_.dropouts[i];
      Add(step_calls_, "dropout", i + 1,
          [&dropout](Lane& lane, float* block) { DropoutBackward(dropout, block, lane.rows); });
    }
    Add(step_calls_, "backward", i + 1,
        [&stage](Lane& lane, float* block) { DenseBackward(stage, block, lane.rows); });
    const bool keeps_gradients = model_.shape.has_clipping;
    Add(step_calls_, keeps_gradients ? "gradient" : "gradient+update", i + 1,
        [&stage, keeps_gradients](Lane& lane, float* block) {
          if (keeps_gradients) return DenseWeightGradient(stage, block, lane.rows);
          DenseFusedUpdate(stage, block, lane.rows, lane.rule);
        });
  }
}

void Plan::CompileClippedUpdate() {
  Add(step_calls_, "clip", 0, [this](Lane& lane, float* block) {
    if (lane.settings.clip_norm == 0.0) return;
    lane.rule.gradient_scale = ClipScale(model_, block, lane.settings.clip_norm);
  });
  for (std::size_t i = 0; i < model_.layers.size(); ++i) {
    const DenseStage& stage = model_.layers[i];
    Add(step_calls_, "update", i + 1,
        [&stage](Lane& lane, float* block) { DenseUpdate(stage, block, lane.rule); });
  }
}

// Without dropout a layer reads what the layer before wrote.
void Plan::CompileEvaluation() {
  Tensor input = model_.input;
  for (std::size_t i = 0; i < model_.layers.size(); ++i) {
    DenseStage stage = model_.layers[i];
    stage.input = input;
    input = stage.output;
    Add(evaluation_calls_, "forward", i + 1,
        [stage](Lane& lane, float* block) { DenseForward(stage, block, lane.rows); });
  }
  const Tensor logits = input;
  Add(evaluation_calls_, "loss", 0, [logits](Lane& lane, float* block) {
    lane.score =
        SoftmaxCrossEntropy({.rows = lane.rows, .stride = logits.Stride()},
                            TargetsOf(lane.labels, logits.cols, 0.0), block + logits.offset);
  });
}

}  // namespace ddl
