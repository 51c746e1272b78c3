// SPDX-License-Identifier: Apache-2.0
#include "trainer/accounting.h"

#include "trainer/muon.h"

namespace ddl {

namespace {

double BytesOf(const Tensor& tensor) {
  return static_cast<double>(tensor.Floats() * sizeof(float));
}

// Of a training step's rows: tensors also have room for an evaluation's.
double BytesOf(const Model& model, const Tensor& values, std::size_t places) {
  const std::size_t number = values.is_bfloat16 ? sizeof(float) / 2 : sizeof(float);
  return static_cast<double>(model.shape.batch * places * values.Stride() * number);
}

// Values forward and again backward, the gradient backward.
double FlowBytes(const Model& model, const Flow& flow) {
  const double values = BytesOf(model, flow.values, flow.places);
  return flow.gradient.IsEmpty() ? 2.0 * values : 3.0 * values;
}

// Read forward; read and written by the update with all that the optimizer keeps.
double ParameterBytes(const ModelParameter& parameter) {
  const double value = BytesOf(parameter.value);
  const double kept =
      value + BytesOf(parameter.first) + BytesOf(parameter.second) + BytesOf(parameter.average);
  // The gradient is written and read.
  return value + 2.0 * kept + 2.0 * value + OrthogonalBytes(parameter);
}

template <class Kind>
double StageBytes(const Model& model, const Kind& stage) {
  double bytes = 0.0;
  if constexpr (requires { stage.input; }) bytes += FlowBytes(model, stage.input);
  if constexpr (requires { stage.output; }) bytes += FlowBytes(model, stage.output);
  if constexpr (requires { stage.pre; }) {
    if (stage.pre.offset != stage.output.values.offset) {
      bytes += 2.0 * BytesOf(model, stage.pre, stage.output.places);
    }
  }
  for (const ModelParameter* parameter : stage.Parameters()) {
    if (!parameter->value.IsEmpty()) bytes += ParameterBytes(*parameter);
  }
  return bytes;
}

// What is pooled need not be read again.
double StageBytes(const Model& model, const ConvStage& stage) {
  const double alone = StageBytes<ConvStage>(model, stage);
  return stage.pool ? alone + FlowBytes(model, stage.pool->output) : alone;
}

double StageBytes(const Model& model, const ForkStage& stage) {
  if (stage.input.gradient.IsEmpty()) return 0.0;
  return 3.0 * BytesOf(model, stage.input.values, stage.input.places);  // a sum of gradients
}

double StageBytes(const Model& model, const AddStage& stage) {
  const double values = BytesOf(model, stage.output.values, stage.output.places);
  return stage.is_rectified ? 6.0 * values : 3.0 * values;
}

double StageBytes(const Model& model, const AttentionStage& stage) {
  const double squares = BytesOf(model, stage.probabilities, stage.heads * stage.output.places);
  return FlowBytes(model, stage.input) + FlowBytes(model, stage.output) + 2.0 * squares;
}

}  // namespace

std::size_t CountWeights(const Model& model) {
  std::size_t count = 0;
  ForEachParameter(model.stages, [&count](const ModelParameter& parameter) {
    count += parameter.value.rows * parameter.value.cols;
  });
  return count;
}

StepCost CostOf(const Model& model, const Stage& stage) {
  return std::visit(
      [&](const auto& kind) {
        StepCost cost{.bytes = StageBytes(model, kind)};
        if constexpr (HasProducts<std::decay_t<decltype(kind)>>) {
          cost.flops = kind.StepFlops(model.shape.batch);
        }
        for (const ModelParameter* parameter : kind.Parameters()) {
          cost.flops += OrthogonalFlops(*parameter);
        }
        return cost;
      },
      stage);
}

StepCost CostOf(const Model& model) {
  StepCost sum{.bytes = 2.0 * BytesOf(model, model.logits, model.targets)};
  for (const Stage& stage : model.stages) {
    const StepCost cost = CostOf(model, stage);
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
  }
  return sum;
}

double StepFlops(const Model& model) {
  return CostOf(model).flops;
}

}  // namespace ddl
