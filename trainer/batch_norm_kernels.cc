// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "trainer/batch_norm.h"
#include "trainer/clones.h"

namespace ddl {

namespace {

constexpr float kEpsilon = 1e-5F;
constexpr float kMomentum = 0.1F;
constexpr std::size_t kBlockRows = 64;  // added in float, their sums in double

struct Columns {
  std::size_t rows = 0;
  std::size_t stride = 0;
};

// sum[c] += the column sums of value(row, c), block by block.
template <class Function>
DDL_INLINE void SumColumns(Columns shape, float* block, double* sum, Function value) {
  for (std::size_t first = 0; first < shape.rows; first += kBlockRows) {
    const std::size_t last = std::min(shape.rows, first + kBlockRows);
    std::fill_n(block, shape.stride, 0.0F);
    for (std::size_t row = first; row < last; ++row) {
      for (std::size_t c = 0; c < shape.stride; ++c) {
        block[c] += value(row * shape.stride + c, c);
      }
    }
    for (std::size_t c = 0; c < shape.stride; ++c) {
      sum[c] += block[c];
    }
  }
}

DDL_CLONES void SumValues(Columns shape, const float* __restrict x, float* __restrict block,
                          double* __restrict sum) {
  SumColumns(shape, block, sum, [&](std::size_t i, std::size_t) { return x[i]; });
}

DDL_CLONES void SumSquares(Columns shape, const float* __restrict x, const float* __restrict mean,
                           float* __restrict block, double* __restrict sum) {
  SumColumns(shape, block, sum, [&](std::size_t i, std::size_t c) {
    const float off = x[i] - mean[c];
    return off * off;
  });
}

// y = x * factor + offset
DDL_CLONES void Scale(Columns shape, const float* __restrict x, const float* __restrict factor,
                      const float* __restrict offset, float* __restrict y) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    const std::size_t start = row * shape.stride;
    for (std::size_t c = 0; c < shape.stride; ++c) {
      y[start + c] = x[start + c] * factor[c] + offset[c];
    }
  }
}

struct NormValues {
  const float* x = nullptr;
  const float* mean = nullptr;
  const float* inverse = nullptr;
};

DDL_CLONES void SumProducts(Columns shape, const NormValues& at, const float* __restrict gradient,
                            float* __restrict block, double* __restrict sum) {
  SumColumns(shape, block, sum, [&](std::size_t i, std::size_t c) {
    return gradient[i] * ((at.x[i] - at.mean[c]) * at.inverse[c]);
  });
}

// dx = factor * (dz - mean_gradient - normalised x * mean_product)
DDL_CLONES void InputGradient(Columns shape, const NormValues& at, const float* __restrict factor,
                              const float* __restrict mean_gradient,
                              const float* __restrict mean_product,
                              const float* __restrict gradient, float* __restrict out) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    const std::size_t start = row * shape.stride;
    for (std::size_t c = 0; c < shape.stride; ++c) {
      const float normal = (at.x[start + c] - at.mean[c]) * at.inverse[c];
      out[start + c] =
          factor[c] * (gradient[start + c] - mean_gradient[c] - normal * mean_product[c]);
    }
  }
}

Columns ColumnsOf(const BatchNormStage& stage, const LaneRun& run) {
  return {.rows = run.Rows(stage.input), .stride = stage.input.values.Stride()};
}

// Normalises with these statistics, then activates.
void Apply(const BatchNormStage& stage, const LaneRun& run, const float* mean,
           const float* inverse) {
  const Columns shape = ColumnsOf(stage, run);
  std::vector<float> factor(shape.stride);
  std::vector<float> offset(shape.stride);
  for (std::size_t c = 0; c < stage.input.Width(); ++c) {
    factor[c] = run.At(stage.scale.value)[c] * inverse[c];
    offset[c] = run.At(stage.shift.value)[c] - mean[c] * factor[c];
  }
  float* y = run.At(stage.output.values);
  if (stage.activation == Activation::kIdentity) {
    return Scale(shape, run.At(stage.input.values), factor.data(), offset.data(), y);
  }
  const std::vector<float> none(shape.stride);
  Scale(shape, run.At(stage.input.values), factor.data(), none.data(), y);
  BiasActivate(stage.activation, {.rows = shape.rows, .stride = shape.stride}, offset.data(), y, y);
}

}  // namespace

void Forward(const BatchNormStage& stage, const LaneRun& run) {
  const Columns shape = ColumnsOf(stage, run);
  const float* x = run.At(stage.input.values);
  float* mean = run.At(stage.mean);
  float* inverse = run.At(stage.inverse);
  float* running_mean = run.At(stage.running_mean);
  float* running_variance = run.At(stage.running_variance);
  const auto count = static_cast<double>(shape.rows);
  std::vector<float> block(shape.stride);
  std::vector<double> sum(shape.stride);
  SumValues(shape, x, block.data(), sum.data());
  for (std::size_t c = 0; c < shape.stride; ++c) {
    mean[c] = static_cast<float>(sum[c] / count);
  }
  std::ranges::fill(sum, 0.0);
  SumSquares(shape, x, mean, block.data(), sum.data());
  const double unbiased = std::max(count - 1.0, 1.0);
  for (std::size_t c = 0; c < stage.input.Width(); ++c) {
    inverse[c] = 1.0F / std::sqrt(static_cast<float>(sum[c] / count) + kEpsilon);
    running_mean[c] += kMomentum * (mean[c] - running_mean[c]);
    running_variance[c] +=
        kMomentum * (static_cast<float>(sum[c] / unbiased) - running_variance[c]);
  }
  Apply(stage, run, mean, inverse);
}

void Evaluate(const BatchNormStage& stage, const LaneRun& run) {
  const float* variance = run.At(stage.running_variance);
  std::vector<float> inverse(stage.input.Width());
  for (std::size_t c = 0; c < inverse.size(); ++c) {
    inverse[c] = 1.0F / std::sqrt(variance[c] + kEpsilon);
  }
  Apply(stage, run, run.At(stage.running_mean), inverse.data());
}

void Backward(const BatchNormStage& stage, const LaneRun& run) {
  const Columns shape = ColumnsOf(stage, run);
  const NormValues at{.x = run.At(stage.input.values),
                      .mean = run.At(stage.mean),
                      .inverse = run.At(stage.inverse)};
  float* gradient = run.At(stage.output.gradient);
  float* shift_gradient = run.At(stage.shift.gradient);
  float* scale_gradient = run.At(stage.scale.gradient);
  const float* y = run.At(stage.output.values);
  if (stage.activation != Activation::kIdentity) {
    ActivationGradient(stage.activation, {.rows = shape.rows, .stride = shape.stride},
                       {.pre = y, .out = y}, gradient, shift_gradient);
  }
  std::vector<float> block(shape.stride);
  std::vector<double> sums(shape.stride);
  std::vector<double> products(shape.stride);
  SumValues(shape, gradient, block.data(), sums.data());
  SumProducts(shape, at, gradient, block.data(), products.data());
  const auto count = static_cast<double>(shape.rows);
  std::vector<float> factor(shape.stride);
  std::vector<float> mean_gradient(shape.stride);
  std::vector<float> mean_product(shape.stride);
  for (std::size_t c = 0; c < stage.input.Width(); ++c) {
    shift_gradient[c] = static_cast<float>(sums[c]);
    scale_gradient[c] = static_cast<float>(products[c]);
    factor[c] = run.At(stage.scale.value)[c] * at.inverse[c];
    mean_gradient[c] = static_cast<float>(sums[c] / count);
    mean_product[c] = static_cast<float>(products[c] / count);
  }
  InputGradient(shape, at, factor.data(), mean_gradient.data(), mean_product.data(), gradient,
                run.At(stage.input.gradient));
}

}  // namespace ddl
