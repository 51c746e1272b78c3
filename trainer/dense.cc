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

void StripGradient(const DenseStage& stage, float* lane, std::size_t rows, Strip strip) {
  const Tensor& x = stage.input;
  const Tensor& dz = stage.output_gradient;
  Gemm({.rows = strip.count, .cols = dz.Stride(), .inner = rows},
       {.at = lane + x.offset + strip.first, .stride = x.Stride(), .is_transposed = true},
       {.at = lane + dz.offset, .stride = dz.Stride()}, lane + stage.weight.gradient.offset,
       dz.Stride());
}

UpdateState StateAt(const Parameter& parameter, float* lane, std::size_t start) {
  const auto at = [&](const Tensor& tensor) {
    return tensor.IsEmpty() ? nullptr : lane + tensor.offset + start;
  };
  return {.first = at(parameter.first), .second = at(parameter.second)};
}

void UpdateParameter(const Parameter& parameter, float* lane, const UpdateRule& rule) {
  UpdateWeights(rule, parameter.value.Floats(), lane + parameter.gradient.offset,
                StateAt(parameter, lane, 0), lane + parameter.value.offset);
}

}  // namespace

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

void DenseForward(const DenseStage& stage, float* lane, std::size_t rows) {
  const Tensor& x = stage.input;
  const Tensor& w = stage.weight.value;
  assert(rows <= x.rows);
  // Whole strides are multiplied: padding columns of w are zero, and full vectors are faster.
  Gemm({.rows = rows, .cols = w.Stride(), .inner = w.rows},
       {.at = lane + x.offset, .stride = x.Stride()}, {.at = lane + w.offset, .stride = w.Stride()},
       lane + stage.pre.offset, stage.pre.Stride());
  BiasActivate(stage.activation, {.rows = rows, .stride = stage.pre.Stride()},
               lane + stage.bias.value.offset, lane + stage.pre.offset, lane + stage.output.offset);
}

void DenseBackward(const DenseStage& stage, float* lane, std::size_t rows) {
  const Tensor& dz = stage.output_gradient;
  ActivationGradient(stage.activation, {.rows = rows, .stride = dz.Stride()},
                     {.pre = lane + stage.pre.offset, .out = lane + stage.output.offset},
                     lane + dz.offset, lane + stage.bias.gradient.offset);
  if (stage.input_gradient.IsEmpty()) return;
  const Tensor& w = stage.weight.value;
  const Tensor& dx = stage.input_gradient;
  Gemm({.rows = rows, .cols = w.rows, .inner = w.Stride()},
       {.at = lane + dz.offset, .stride = dz.Stride()},
       {.at = lane + w.offset, .stride = w.Stride(), .is_transposed = true}, lane + dx.offset,
       dx.Stride());
}

void DenseWeightGradient(const DenseStage& stage, float* lane, std::size_t rows) {
  const std::size_t inputs = stage.weight.value.rows;
  assert(stage.weight.gradient.rows == inputs);
  StripGradient(stage, lane, rows, {.first = 0, .count = inputs});
}

void DenseFusedUpdate(const DenseStage& stage, float* lane, std::size_t rows,
                      const UpdateRule& rule) {
  const Tensor& w = stage.weight.value;
  const std::size_t height = StripRows(w.rows, w.cols);
  assert(stage.weight.gradient.Floats() >= height * w.Stride());
  for (std::size_t first = 0; first < w.rows; first += height) {
    const std::size_t count = std::min(height, w.rows - first);
    const std::size_t start = first * w.Stride();
    StripGradient(stage, lane, rows, {.first = first, .count = count});
    UpdateWeights(rule, count * w.Stride(), lane + stage.weight.gradient.offset,
                  StateAt(stage.weight, lane, start), lane + w.offset + start);
  }
  UpdateParameter(stage.bias, lane, rule);
}

void DenseUpdate(const DenseStage& stage, float* lane, const UpdateRule& rule) {
  UpdateParameter(stage.weight, lane, rule);
  UpdateParameter(stage.bias, lane, rule);
}

}  // namespace ddl
