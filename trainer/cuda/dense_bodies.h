// SPDX-License-Identifier: Apache-2.0
// The element-wise half of a dense layer: trainer/activation_kernels.h for lanes.
#pragma once

#include "trainer/activation_kernels.h"
#include "trainer/cuda/column_slices.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_numbers.h"
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

// pre += bias; out = f(pre). Without a bias pre has it already. Four columns a thread; strides are
// multiples of sixteen.
struct BiasActivateBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * stride / 4, kThreads)
  LaneFloats arena;
  Activation activation = Activation::kIdentity;
  std::size_t bias = 0;
  LaneNumbers pre;
  LaneNumbers out;  // may be pre, but for gelu
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= std::size_t{rows} * stride) return;
    const std::size_t col = first % stride;
    FourFloats own{};
    if (bias != kNoTensor) {
      own = *reinterpret_cast<const FourFloats*>(arena.At(at.lane, bias + col));
    }
    FourFloats with_bias = pre.FourAt(arena, at.lane, first);
    FourFloats active{};
    for (std::uint32_t i = 0; i < kFour; ++i) {
      with_bias.at[i] += own.at[i];
      active.at[i] = Activated(activation, with_bias.at[i]);
    }
    if (pre != out && bias != kNoTensor) pre.PutFour(arena, at.lane, first, with_bias);
    out.PutFour(arena, at.lane, first, active);
  }
};

// gradient *= f'(pre), or its copy in bfloat16 alone; bias_gradient = its column sums, slice by
// slice (column_slices.h): of one slice they are the bias's own.
struct ActivationGradientBody {
  static constexpr std::uint32_t kThreads = ColumnSlices::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = ColumnSlices::kSharedBytes;

  std::uint32_t blocks = 0;  // of ColumnSlices
  LaneFloats arena;
  Activation activation = Activation::kIdentity;
  LaneNumbers pre;
  LaneNumbers out;
  LaneNumbers gradient;
  std::size_t copy = kNoTensor;
  std::size_t bias_gradient = 0;  // [slices, stride]
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const ColumnSlices slices{rows, stride};
    auto* sums = static_cast<float*>(shared);
    if (phase == 0) {
      const ColumnSlices::Place place = slices.PlaceOf(at, rows);
      if (place.col < stride) ColumnSlices::Keep(sums, at, PassBack(arena.Only(at.lane), place));
      return;
    }
    const ColumnSlices::Column column = slices.ColumnOf(at);
    if (!column.is_there) return;
    *arena.At(at.lane, bias_gradient + std::size_t{column.slice} * stride + column.col) =
        ColumnSlices::Fold(sums, column);
  }

 private:
  // Either z or y tells it: what is not needed is not read.
  [[nodiscard]] DDL_INLINE FourFloats SlopesAt(const LaneFloats& own, std::size_t at) const {
    const bool is_of_z = activation == Activation::kGelu;
    FourFloats four = (is_of_z ? pre : out).FourAt(own, 0, at);
    DDL_UNROLL
    for (float& known : four.at) {
      known = SlopeOf(activation, is_of_z ? known : 0.0F, known);
    }
    return four;
  }
  [[nodiscard]] DDL_INLINE FourFloats PassBack(const LaneFloats& own,
                                               const ColumnSlices::Place& place) const {
    FourFloats sums{};
    for (std::uint32_t row = place.first; row < place.end; row += ColumnSlices::kGroups) {
      const std::size_t at = std::size_t{row} * stride + place.col;
      FourFloats products = gradient.FourAt(own, 0, at);
      if (activation != Activation::kIdentity) {
        const FourFloats slopes = SlopesAt(own, at);
        DDL_UNROLL
        for (std::uint32_t i = 0; i < kFour; ++i) {
          products.at[i] *= slopes.at[i];
        }
      }
      if (copy != kNoTensor) {
        LaneNumbers(copy, true).PutFour(own, 0, at, products);
      } else if (activation != Activation::kIdentity) {  // which changes nothing
        gradient.PutFour(own, 0, at, products);
      }
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        sums.at[i] += products.at[i];
      }
    }
    return sums;
  }
};

}  // namespace ddl
