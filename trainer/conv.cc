// SPDX-License-Identifier: Apache-2.0
#include "trainer/conv.h"

namespace ddl {

double ConvStage::StepFlops(std::size_t samples) const {
  const double one = 2.0 * static_cast<double>(samples * output.places) *
                     static_cast<double>(weight.value.rows) *
                     static_cast<double>(weight.value.cols);
  return input.gradient.IsEmpty() ? 2.0 * one : 3.0 * one;
}

void Forward(const ConvStage& stage, const LaneRun& run) {
  float* pre = run.At(stage.pre);
  stage.products->Forward(run.rows, run.At(stage.weight.value), run.At(stage.input.values), pre);
  if (stage.bias.value.IsEmpty()) return;
  BiasActivate(stage.activation, {.rows = run.Rows(stage.output), .stride = stage.pre.Stride()},
               run.At(stage.bias.value), pre, run.At(stage.output.values));
}

void Backward(const ConvStage& stage, const LaneRun& run) {
  float* gradient = run.At(stage.output.gradient);
  if (!stage.bias.value.IsEmpty()) {
    ActivationGradient(stage.activation,
                       {.rows = run.Rows(stage.output), .stride = stage.pre.Stride()},
                       {.pre = run.At(stage.pre), .out = run.At(stage.output.values)}, gradient,
                       run.At(stage.bias.gradient));
  }
  stage.products->WeightGradient(run.rows, run.At(stage.input.values), gradient,
                                 run.At(stage.weight.gradient));
  if (stage.input.gradient.IsEmpty()) return;
  stage.products->InputGradient(run.rows, run.At(stage.weight.value), gradient,
                                run.At(stage.input.gradient));
}

}  // namespace ddl
