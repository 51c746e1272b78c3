// SPDX-License-Identifier: Apache-2.0
#include "trainer/dense.h"

#include <algorithm>
#include <cassert>

#include "trainer/gemm.h"

namespace ddl {

namespace {

struct Strip {
  std::size_t first = 0;
  std::size_t count = 0;
};

std::size_t StripRows(std::size_t inputs, std::size_t outputs) {
  constexpr std::size_t kStripFloats = std::size_t{32} * 1024;
  constexpr std::size_t kMultiple = 16;
  const auto round_up = [](std::size_t rows) {
    return (rows + kMultiple - 1) / kMultiple * kMultiple;
  };
  const std::size_t most = std::max(kStripFloats / PaddedWidth(outputs), kMultiple);
  const std::size_t strips = (inputs + most - 1) / most;
  return std::min(inputs, round_up((inputs + strips - 1) / strips));
}

void StripGradient(const DenseStage& stage, const LaneRun& run, Strip strip) {
  const Tensor& x = stage.input.values;
  const Tensor& dz = stage.output.gradient;
  Gemm({.rows = strip.count, .cols = dz.Stride(), .inner = run.Rows(stage.output)},
       {.at = run.At(x) + strip.first, .stride = x.Stride(), .is_transposed = true},
       {.at = run.At(dz), .stride = dz.Stride()}, run.At(stage.weight.gradient), dz.Stride());
}

}  // namespace

std::size_t StripFloats(const Tensor& weight) {
  return StripRows(weight.rows, weight.cols) * weight.Stride();
}

double DenseStage::StepFlops(std::size_t samples) const {
  const double one = 2.0 * static_cast<double>(samples * output.places) *
                     static_cast<double>(weight.fan_in) * static_cast<double>(weight.value.cols);
  return input.gradient.IsEmpty() ? 2.0 * one : 3.0 * one;
}

void Forward(const DenseStage& stage, const LaneRun& run) {
  const Tensor& x = stage.input.values;
  const Tensor& w = stage.weight.value;
  const std::size_t rows = run.Rows(stage.output);
  assert(rows <= x.rows);
  // Whole strides are multiplied: padding columns of w are zero, and full vectors are faster.
  Gemm({.rows = rows, .cols = w.Stride(), .inner = w.rows}, {.at = run.At(x), .stride = x.Stride()},
       {.at = run.At(w), .stride = w.Stride()}, run.At(stage.pre), stage.pre.Stride());
  BiasActivate(stage.activation, {.rows = rows, .stride = stage.pre.Stride()},
               run.At(stage.bias.value), run.At(stage.pre), run.At(stage.output.values));
}

void Backward(const DenseStage& stage, const LaneRun& run) {
  const Tensor& dz = stage.output.gradient;
  const std::size_t rows = run.Rows(stage.output);
  ActivationGradient(stage.activation, {.rows = rows, .stride = dz.Stride()},
                     {.pre = run.At(stage.pre), .out = run.At(stage.output.values)}, run.At(dz),
                     run.At(stage.bias.gradient));
  if (stage.input.gradient.IsEmpty()) return;
  const Tensor& w = stage.weight.value;
  const Tensor& dx = stage.input.gradient;
  Gemm({.rows = rows, .cols = w.rows, .inner = w.Stride()},
       {.at = run.At(dz), .stride = dz.Stride()},
       {.at = run.At(w), .stride = w.Stride(), .is_transposed = true}, run.At(dx), dx.Stride());
}

void WeightGradient(const DenseStage& stage, const LaneRun& run) {
  const std::size_t inputs = stage.weight.value.rows;
  assert(stage.weight.gradient.rows == inputs);
  StripGradient(stage, run, {.first = 0, .count = inputs});
}

void FusedUpdate(const DenseStage& stage, const LaneRun& run) {
  const Tensor& w = stage.weight.value;
  const std::size_t height = StripRows(w.rows, w.cols);
  assert(stage.weight.gradient.Floats() >= height * w.Stride());
  for (std::size_t first = 0; first < w.rows; first += height) {
    const std::size_t count = std::min(height, w.rows - first);
    StripGradient(stage, run, {.first = first, .count = count});
    UpdateRange(stage.weight, run, first * w.Stride(), count * w.Stride(),
                run.At(stage.weight.gradient));
  }
  UpdateWhole(stage.bias, run);
}

}  // namespace ddl
