// SPDX-License-Identifier: Apache-2.0
#include "trainer/conv.h"

#include <algorithm>

namespace ddl {

double ConvStage::StepFlops(std::size_t samples) const {
  const double one = 2.0 * static_cast<double>(samples * output.places) *
                     static_cast<double>(weight.value.rows) *
                     static_cast<double>(weight.value.cols);
  return input.gradient.IsEmpty() ? 2.0 * one : 3.0 * one;
}

namespace {

SampleRange SamplesOf(const ConvStage& stage, const ConvPiece& piece) {
  const std::size_t places = stage.places.Pixels();
  return {.first = piece.first / places, .count = piece.places / places};
}

}  // namespace

void Forward(const ConvStage& stage, const LaneRun& run) {
  const std::size_t stride = stage.pre.Stride();
  float* pre = run.At(stage.pre);
  float* output = run.At(stage.output.values);
  const bool has_bias = !stage.bias.value.IsEmpty();
  stage.products->Forward(run.rows, run.At(stage.weight.value), run.At(stage.input.values), pre,
                          [&](const ConvPiece& piece) {
                            if (has_bias) {
                              BiasActivate(stage.activation,
                                           {.rows = piece.places, .stride = stride},
                                           run.At(stage.bias.value), pre + piece.first * stride,
                                           output + piece.first * stride);
                            }
                            if (stage.pool) PoolSamples(*stage.pool, run, SamplesOf(stage, piece));
                          });
}

void Backward(const ConvStage& stage, const LaneRun& run) {
  const std::size_t stride = stage.pre.Stride();
  const float* pre = run.At(stage.pre);
  const float* output = run.At(stage.output.values);
  float* gradient = run.At(stage.output.gradient);
  const bool has_bias = !stage.bias.value.IsEmpty();
  const bool has_input_gradient = !stage.input.gradient.IsEmpty();
  if (has_bias) std::fill_n(run.At(stage.bias.gradient), stride, 0.0F);
  stage.products->Backward(
      run.rows,
      {.weights = run.At(stage.weight.value),
       .input = run.At(stage.input.values),
       .output_gradient = gradient,
       .weight_gradient = run.At(stage.weight.gradient),
       .input_gradient = has_input_gradient ? run.At(stage.input.gradient) : nullptr},
      [&](const ConvPiece& piece) {
        if (stage.pool) UnpoolSamples(*stage.pool, run, SamplesOf(stage, piece));
        if (!has_bias) return;
        const std::size_t first = piece.first * stride;
        ActivationGradient(stage.activation, {.rows = piece.places, .stride = stride},
                           {.pre = pre + first, .out = output + first}, gradient + first,
                           run.At(stage.bias.gradient));
      });
}

}  // namespace ddl
