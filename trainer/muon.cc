// SPDX-License-Identifier: Apache-2.0
#include "trainer/muon.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "trainer/gemm.h"
#include "trainer/update_kernels.h"

namespace ddl {

namespace {

// x x^T or x^T x, whichever is smaller.
void Gram(const Tensor& shape, const float* x, float* gram) {
  const GemmOperand plain{.at = x, .stride = shape.Stride()};
  const GemmOperand turned{.at = x, .stride = shape.Stride(), .is_transposed = true};
  if (shape.rows < shape.cols) {
    const std::size_t stride = PaddedWidth(shape.rows);
    return Gemm({.rows = shape.rows, .cols = shape.rows, .inner = shape.Stride()}, plain, turned,
                gram, stride);
  }
  Gemm({.rows = shape.cols, .cols = shape.Stride(), .inner = shape.rows}, turned, plain, gram,
       shape.Stride());
}

// product = gram x or x gram, where gram is symmetric.
void Multiply(const Tensor& shape, const float* gram, const float* x, float* product) {
  const GemmOperand matrix{.at = x, .stride = shape.Stride()};
  if (shape.rows < shape.cols) {
    return Gemm({.rows = shape.rows, .cols = shape.Stride(), .inner = shape.rows},
                {.at = gram, .stride = PaddedWidth(shape.rows)}, matrix, product, shape.Stride());
  }
  Gemm({.rows = shape.rows, .cols = shape.Stride(), .inner = shape.cols}, matrix,
       {.at = gram, .stride = shape.Stride()}, product, shape.Stride());
}

}  // namespace

void Orthogonalise(const Tensor& shape, const OrthogonalScratch& scratch, float* matrix) {
  constexpr QuinticCoefficients kCoefficients;
  constexpr double kTiny = 1e-7;
  const double norm = std::sqrt(SumOfSquares(shape.Floats(), matrix));
  Combine(shape.Floats(), {static_cast<float>(1.0 / (norm + kTiny)), matrix}, {0.0F, matrix},
          matrix);
  const std::size_t side = std::min(shape.rows, shape.cols);
  const std::size_t stride = PaddedWidth(side);
  std::fill_n(scratch.gram, side * stride, 0.0F);  // padding columns
  std::fill_n(scratch.square, side * stride, 0.0F);
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    Gram(shape, matrix, scratch.gram);
    Gemm({.rows = side, .cols = side, .inner = side}, {.at = scratch.gram, .stride = stride},
         {.at = scratch.gram, .stride = stride}, scratch.square, stride);
    Combine(side * stride, {kCoefficients.cubic, scratch.gram},
            {kCoefficients.quintic, scratch.square}, scratch.gram);
    Multiply(shape, scratch.gram, matrix, scratch.product);
    Combine(shape.Floats(), {kCoefficients.linear, matrix}, {1.0F, scratch.product}, matrix);
  }
}

double OrthogonalFlops(const ModelParameter& parameter) {
  if (parameter.orthogonal.product.IsEmpty()) return 0.0;
  const auto rows = static_cast<double>(parameter.value.rows);
  const auto cols = static_cast<double>(parameter.value.cols);
  const double side = std::min(rows, cols);
  return kNewtonSchulzSteps * (4.0 * side * rows * cols + 2.0 * side * side * side);
}

// An iteration reads the matrix three times and writes it once, writes and reads the product; and
// goes over its squares seven times.
double OrthogonalBytes(const ModelParameter& parameter) {
  const double floats = 6.0 * static_cast<double>(parameter.orthogonal.product.Floats()) +
                        7.0 * static_cast<double>(parameter.orthogonal.gram.Floats());
  return kNewtonSchulzSteps * floats * sizeof(float);
}

void OrthogonalUpdate(const ModelParameter& parameter, const LaneRun& run) {
  const Tensor& shape = parameter.value;
  assert(parameter.gradient.Floats() == shape.Floats());
  const UpdateRule& rule = run.rule;
  float* direction = run.At(parameter.gradient);
  TakeMomentum(rule, shape.Floats(), run.At(parameter.first), direction);
  const OrthogonalPlaces& places = parameter.orthogonal;
  Orthogonalise(shape,
                {.product = run.At(places.product),
                 .gram = run.At(places.gram),
                 .square = run.At(places.square)},
                direction);
  const double widening =
      std::max(1.0, static_cast<double>(shape.cols) / static_cast<double>(shape.rows));
  float* weights = run.At(shape);
  Combine(shape.Floats(), {1.0F - rule.matrix_lr * rule.weight_decay, weights},
          {-rule.matrix_lr * static_cast<float>(std::sqrt(widening)), direction}, weights);
  if (parameter.average.IsEmpty()) return;
  MoveAverage(run.average_rate, shape.Floats(), weights, run.At(parameter.average));
}

}  // namespace ddl
