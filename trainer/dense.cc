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

// A matrix of the arena, and where its copy in bfloat16 lies.
struct Factor {
  const Tensor& values;
  const Tensor& copy;
  bool is_transposed = false;
  std::size_t first = 0;  // column
};

// The products of a stage at work, in its precision.
class DenseProducts {
 public:
  DenseProducts(const DenseStage& stage, const LaneRun& run) : stage_(stage), run_(run) {}

  [[nodiscard]] Factor Input() const { return {stage_.input.values, stage_.copies.input}; }
  [[nodiscard]] Factor Weight() const { return {stage_.weight.value, stage_.copies.weight}; }
  [[nodiscard]] Factor Gradient() const { return {stage_.output.gradient, stage_.copies.gradient}; }

  // Brings the copy of the first `rows` rows up to date, where there is one.
  void Copy(const Factor& factor, std::size_t rows) const {
    if (stage_.copies.products == nullptr) return;
    RoundToBfloat16(rows * factor.values.Stride(), run_.At(factor.values), CopyOf(factor));
  }

  // c = a b
  void Multiply(const GemmShape& shape, const Factor& a, const Factor& b, float* c,
                std::size_t c_stride) const {
    if (stage_.copies.products == nullptr) {
      return Gemm(shape, Whole(a), Whole(b), c, c_stride);
    }
    stage_.copies.products->Multiply(shape, Rounded(a), Rounded(b), c, c_stride);
  }

 private:
  [[nodiscard]] Bfloat16* CopyOf(const Factor& factor) const {
    return reinterpret_cast<Bfloat16*>(run_.At(factor.copy));
  }
  [[nodiscard]] GemmOperand Whole(const Factor& factor) const {
    return {.at = run_.At(factor.values) + factor.first,
            .stride = factor.values.Stride(),
            .is_transposed = factor.is_transposed};
  }
  [[nodiscard]] Bfloat16Operand Rounded(const Factor& factor) const {
    return {.at = CopyOf(factor) + factor.first,
            .stride = factor.values.Stride(),
            .is_transposed = factor.is_transposed};
  }

  const DenseStage& stage_;
  const LaneRun& run_;
};

void StripGradient(const DenseStage& stage, const LaneRun& run, Strip strip) {
  const DenseProducts products(stage, run);
  const std::size_t width = stage.output.gradient.Stride();
  Factor x = products.Input();
  x.is_transposed = true;
  x.first = strip.first;
  products.Multiply({.rows = strip.count, .cols = width, .inner = run.Rows(stage.output)}, x,
                    products.Gradient(), run.At(stage.weight.gradient), width);
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
  const DenseProducts products(stage, run);
  const Tensor& w = stage.weight.value;
  const std::size_t rows = run.Rows(stage.output);
  assert(rows <= stage.input.values.rows);
  products.Copy(products.Input(), rows);
  products.Copy(products.Weight(), w.rows);
  // Whole strides are multiplied: padding columns of w are zero, and full vectors are faster.
  products.Multiply({.rows = rows, .cols = w.Stride(), .inner = w.rows}, products.Input(),
                    products.Weight(), run.At(stage.pre), stage.pre.Stride());
  BiasActivate(stage.activation, {.rows = rows, .stride = stage.pre.Stride()},
               run.At(stage.bias.value), run.At(stage.pre), run.At(stage.output.values));
}

void Backward(const DenseStage& stage, const LaneRun& run) {
  const DenseProducts products(stage, run);
  const Tensor& dz = stage.output.gradient;
  const std::size_t rows = run.Rows(stage.output);
  std::fill_n(run.At(stage.bias.gradient), dz.Stride(), 0.0F);
  ActivationGradient(stage.activation, {.rows = rows, .stride = dz.Stride()},
                     {.pre = run.At(stage.pre), .out = run.At(stage.output.values)}, run.At(dz),
                     run.At(stage.bias.gradient));
  products.Copy(products.Gradient(), rows);
  if (stage.input.gradient.IsEmpty()) return;
  const Tensor& w = stage.weight.value;
  Factor transposed = products.Weight();
  transposed.is_transposed = true;
  products.Multiply({.rows = rows, .cols = w.rows, .inner = w.Stride()}, products.Gradient(),
                    transposed, run.At(stage.input.gradient), stage.input.gradient.Stride());
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
