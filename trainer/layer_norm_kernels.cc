// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "trainer/clones.h"
#include "trainer/layer_norm.h"
#include "trainer/line_sums.h"

namespace ddl {

namespace {

constexpr float kTiny = 1e-5F;

struct RowShape {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;
};

struct RowMoments {
  float* mean = nullptr;
  float* inverse = nullptr;
};

// Scale and shift are zero in padding columns, and so is what comes out.
DDL_CLONES void NormaliseRows(const RowShape& shape, const float* __restrict x,
                              const float* __restrict scale, const float* __restrict shift,
                              RowMoments moments, float* __restrict y) {
  const float share = 1.0F / static_cast<float>(shape.cols);
  for (std::size_t row = 0; row < shape.rows; ++row) {
    const float* in = x + row * shape.stride;
    float* out = y + row * shape.stride;
    const float mean = share * SumRow(shape.cols, [=](std::size_t i) { return in[i]; });
    const float variance =
        share * SumRow(shape.cols, [=](std::size_t i) { return (in[i] - mean) * (in[i] - mean); });
    const float inverse = 1.0F / std::sqrt(variance + kTiny);
    moments.mean[row] = mean;
    moments.inverse[row] = inverse;
    for (std::size_t c = 0; c < shape.stride; ++c) {
      out[c] = (in[c] - mean) * inverse * scale[c] + shift[c];
    }
  }
}

struct NormGradients {
  float* scale = nullptr;
  float* shift = nullptr;
  float* input = nullptr;
};

DDL_CLONES void NormaliseBack(const RowShape& shape, const float* __restrict x,
                              const float* __restrict scale, RowMoments moments,
                              const float* __restrict gradient, NormGradients to) {
  float* __restrict scale_gradient = to.scale;
  float* __restrict shift_gradient = to.shift;
  std::fill_n(scale_gradient, shape.stride, 0.0F);
  std::fill_n(shift_gradient, shape.stride, 0.0F);
  const float share = 1.0F / static_cast<float>(shape.cols);
  for (std::size_t row = 0; row < shape.rows; ++row) {
    const float* in = x + row * shape.stride;
    const float* dy = gradient + row * shape.stride;
    float* __restrict dx = to.input + row * shape.stride;
    const float mean = moments.mean[row];
    const float inverse = moments.inverse[row];
    for (std::size_t c = 0; c < shape.stride; ++c) {
      scale_gradient[c] += dy[c] * ((in[c] - mean) * inverse);
      shift_gradient[c] += dy[c];
    }
    const float along = share * SumRow(shape.cols, [=](std::size_t i) { return dy[i] * scale[i]; });
    const float across = share * SumRow(shape.cols, [=](std::size_t i) {
                           return dy[i] * scale[i] * ((in[i] - mean) * inverse);
                         });
    for (std::size_t c = 0; c < shape.cols; ++c) {
      dx[c] = inverse * (dy[c] * scale[c] - along - (in[c] - mean) * inverse * across);
    }
  }
}

RowShape RowsOf(const LayerNormStage& stage, const LaneRun& run) {
  return {.rows = run.Rows(stage.input),
          .cols = stage.input.Width(),
          .stride = stage.input.values.Stride()};
}

}  // namespace

void Forward(const LayerNormStage& stage, const LaneRun& run) {
  NormaliseRows(RowsOf(stage, run), run.At(stage.input.values), run.At(stage.scale.value),
                run.At(stage.shift.value),
                {.mean = run.At(stage.mean), .inverse = run.At(stage.inverse)},
                run.At(stage.output.values));
}

void Backward(const LayerNormStage& stage, const LaneRun& run) {
  NormaliseBack(RowsOf(stage, run), run.At(stage.input.values), run.At(stage.scale.value),
                {.mean = run.At(stage.mean), .inverse = run.At(stage.inverse)},
                run.At(stage.output.gradient),
                {.scale = run.At(stage.scale.gradient),
                 .shift = run.At(stage.shift.gradient),
                 .input = run.At(stage.input.gradient)});
}

}  // namespace ddl
