// SPDX-License-Identifier: Apache-2.0
// Muon's step of weight matrices between its products: trainer/muon.h for lanes.
#pragma once

#include <cmath>

#include "trainer/cuda/clip_bodies.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

// velocity = momentum * velocity + gradient, and the direction to go in the gradient's place.
struct MomentumBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;
  StepBoard board;
  LaneFloats arena;
  const UpdatePart* parts = nullptr;  // [blocks]
  const float* scales = nullptr;      // [lanes]: of gradients, where they are clipped

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const UpdatePart& part = parts[at.block];
    const LaneStep& step = board.Step(at.lane);
    const std::uint32_t start = at.thread * kFour;
    if (start >= part.floats || step.rows == 0) return;
    const float scale = scales != nullptr ? scales[at.lane] : 1.0F;
    auto velocity = LoadKept<FourFloats>(arena, at.lane, part.first, start);
    auto gradient = LoadKept<FourFloats>(arena, at.lane, part.gradient, start);
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const float g = scale * gradient.at[i];
      const float v = step.rule.momentum * velocity.at[i] + g;
      velocity.at[i] = v;
      gradient.at[i] = step.rule.is_nesterov ? g + step.rule.momentum * v : v;
    }
    StoreKept(arena, at.lane, part.first, start, velocity);
    StoreKept(arena, at.lane, part.gradient, start, gradient);
  }
};

// out = 1 / the root of what SquaresBody left of some parts.
struct InverseNormBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = BlockSum::kSharedBytes;

  std::uint32_t blocks = 1;
  LaneFloats arena;
  const double* squares = nullptr;  // [lanes, parts]
  std::uint32_t parts = 0;
  std::size_t out = 0;  // of one float

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    constexpr double kTiny = 1e-7;
    const BlockSum block{static_cast<double*>(shared)};
    if (phase == 0) {
      block.sums[at.thread] = OwnSum(squares, parts, at);
    } else if (phase == 1) {
      block.AddRuns(at.thread);
    } else if (at.thread == 0) {
      *arena.At(at.lane, out) = static_cast<float>(1.0 / (std::sqrt(block.Total()) + kTiny));
    }
  }
};

// out = a_factor a + b_factor b; `a` is multiplied by a float of the lane where one is told.
struct CombineBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(floats / 4, kThreads)
  LaneFloats arena;
  float a_factor = 1.0F;
  float b_factor = 0.0F;  // 0: there is no b
  std::size_t a_scale = kNoTensor;
  std::size_t a = 0;
  std::size_t b = kNoTensor;
  std::size_t out = 0;  // may be either
  std::uint32_t floats = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t start = (at.block * kThreads + at.thread) * kFour;
    if (start >= floats) return;
    const float factor = a_scale == kNoTensor ? a_factor : *arena.At(at.lane, a_scale);
    auto sum = LoadKept<FourFloats>(arena, at.lane, a, start);
    const auto other = LoadKept<FourFloats>(arena, at.lane, b, start);
    for (std::uint32_t i = 0; i < kFour; ++i) {
      sum.at[i] = factor * sum.at[i] + b_factor * other.at[i];
    }
    StoreKept(arena, at.lane, out, start, sum);
  }
};

// Weights go along the direction that stands in their gradient's place, and shrink.
struct OrthogonalMoveBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;
  StepBoard board;
  LaneFloats arena;
  const UpdatePart* parts = nullptr;  // [blocks]
  float widening = 1.0F;              // sqrt(max(1, outputs / inputs))

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const UpdatePart& part = parts[at.block];
    const LaneStep& step = board.Step(at.lane);
    const std::uint32_t start = at.thread * kFour;
    if (start >= part.floats || step.rows == 0) return;
    const float shrink = 1.0F - step.rule.matrix_lr * step.rule.weight_decay;
    const float stride = -step.rule.matrix_lr * widening;
    auto value = LoadKept<FourFloats>(arena, at.lane, part.value, start);
    auto average = LoadKept<FourFloats>(arena, at.lane, part.average, start);
    const auto direction = LoadKept<FourFloats>(arena, at.lane, part.gradient, start);
    for (std::uint32_t i = 0; i < kFour; ++i) {
      value.at[i] = shrink * value.at[i] + stride * direction.at[i];
      average.at[i] += step.average_rate * (value.at[i] - average.at[i]);
    }
    StoreKept(arena, at.lane, part.value, start, value);
    StoreKept(arena, at.lane, part.average, start, average);
  }
};

}  // namespace ddl
