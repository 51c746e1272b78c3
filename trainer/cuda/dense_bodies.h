// SPDX-License-Identifier: Apache-2.0
// The element-wise half of a dense layer: trainer/activation_kernels.h for lanes.
#pragma once

#include "trainer/activation_kernels.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/vector_math.h"

namespace ddl {

// Written so that a NaN passes through: a diverged layer must not hide behind a zero.
DDL_INLINE float Activated(Activation activation, float z) {
  switch (activation) {
    case Activation::kRelu:
      return z < 0.0F ? 0.0F : z;
    case Activation::kTanh:
      return VectorTanh(z);
    case Activation::kGelu:
      return z * VectorNormalCdf(z);
    case Activation::kIdentity:
      break;
  }
  return z;
}

// The derivative at z, of which y came.
DDL_INLINE float SlopeOf(Activation activation, float z, float y) {
  switch (activation) {
    case Activation::kRelu:
      return y > 0.0F ? 1.0F : 0.0F;
    case Activation::kTanh:
      return 1.0F - y * y;
    case Activation::kGelu:
      return VectorNormalCdf(z) + z * VectorNormalDensity(z);
    case Activation::kIdentity:
      break;
  }
  return 1.0F;
}

// pre += bias; out = f(pre). Four columns a thread; strides are multiples of sixteen.
struct BiasActivateBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * stride / 4, kThreads)
  LaneFloats arena;
  Activation activation = Activation::kIdentity;
  std::size_t bias = 0;
  std::size_t pre = 0;
  std::size_t out = 0;  // may be pre, but for gelu
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= std::size_t{rows} * stride) return;
    const std::size_t col = first % stride;
    const FourFloats own = *reinterpret_cast<const FourFloats*>(arena.At(at.lane, bias + col));
    auto* z = reinterpret_cast<FourFloats*>(arena.At(at.lane, pre + first));
    FourFloats with_bias{};
    FourFloats active{};
    for (std::uint32_t i = 0; i < kFour; ++i) {
      with_bias.at[i] = z->at[i] + own.at[i];
      active.at[i] = Activated(activation, with_bias.at[i]);
    }
    if (pre != out) *z = with_bias;
    *reinterpret_cast<FourFloats*>(arena.At(at.lane, out + first)) = active;
  }
};

// gradient *= f'(pre); bias_gradient = its column sums: each of eight groups of threads adds every
// eighth row, then the eight sums are added in order.
struct ActivationGradientBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::uint32_t kCols = 32;
  static constexpr std::uint32_t kGroups = kThreads / kCols;
  static constexpr std::size_t kSharedBytes = kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // BlocksFor(stride, kCols)
  LaneFloats arena;
  Activation activation = Activation::kIdentity;
  std::size_t pre = 0;
  std::size_t out = 0;
  std::size_t gradient = 0;
  std::size_t bias_gradient = 0;
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t own = at.thread % kCols;
    const std::uint32_t group = at.thread / kCols;
    const std::uint32_t col = at.block * kCols + own;
    if (col >= stride) return;
    auto* sums = static_cast<float*>(shared);
    if (phase == 0) {
      sums[at.thread] = PassBack(at.lane, col, group);
    } else if (group == 0) {
      float sum = sums[own];
      for (std::uint32_t other = 1; other < kGroups; ++other) {
        sum += sums[other * kCols + own];
      }
      *arena.At(at.lane, bias_gradient + col) = sum;
    }
  }

 private:
  [[nodiscard]] DDL_INLINE float PassBack(std::uint32_t lane, std::uint32_t col,
                                          std::uint32_t group) const {
    float sum = 0.0F;
    for (std::uint32_t row = group; row < rows; row += kGroups) {
      const std::size_t place = std::size_t{row} * stride + col;
      float* g = arena.At(lane, gradient + place);
      float product = *g;
      if (activation != Activation::kIdentity) {  // which changes nothing: no write
        product *= SlopeOf(activation, *arena.At(lane, pre + place), *arena.At(lane, out + place));
        *g = product;
      }
      sum += product;
    }
    return sum;
  }
};

}  // namespace ddl
