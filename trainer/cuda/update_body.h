// SPDX-License-Identifier: Apache-2.0
// One optimizer step of all weights of all lanes in one launch: trainer/update_kernels.h for lanes,
// each with hyper-parameters of its own.
#pragma once

#include <cmath>

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// A part of a parameter that one block moves: where it begins in the lane, as each of its tensors
// does; kNoTensor for what the optimizer does not keep.
struct UpdatePart {
  std::size_t value = 0;
  std::size_t gradient = 0;
  std::size_t first = kNoTensor;
  std::size_t second = kNoTensor;
  std::size_t average = kNoTensor;
  std::size_t rounded = kNoTensor;  // in bfloat16, where products read it
  std::uint32_t floats = 0;         // a multiple of four, at most kUpdateFloats
};

inline constexpr std::uint32_t kUpdateThreads = 256;
inline constexpr std::uint32_t kUpdateFloats = kUpdateThreads * kFour;

// A weight and what the optimizer keeps beside it.
struct MovingWeight {
  float value = 0.0F;
  float first = 0.0F;
  float second = 0.0F;
};

// Plain, with momentum, with Nesterov's.
DDL_INLINE void MoveBySgd(const UpdateRule& rule, float gradient, MovingWeight& weight) {
  const float g = rule.gradient_scale * gradient + rule.weight_decay * weight.value;
  const float v = rule.momentum * weight.first + g;
  weight.first = v;
  weight.value -= rule.lr * (rule.is_nesterov ? g + rule.momentum * v : v);
}

// Kingma and Ba (2015), Algorithm 1; decoupled decay as Loshchilov and Hutter (2019).
DDL_INLINE void MoveByAdam(const UpdateRule& rule, float gradient, MovingWeight& weight) {
  const bool is_decoupled = rule.kind == OptimizerKind::kAdamW;
  const float coupled = is_decoupled ? 0.0F : rule.weight_decay;
  const float shrink = is_decoupled ? 1.0F - rule.lr * rule.weight_decay : 1.0F;
  const float g = rule.gradient_scale * gradient + coupled * weight.value;
  const float m = rule.beta1 * weight.first + rule.rest1 * g;
  const float v = rule.beta2 * weight.second + rule.rest2 * (g * g);
  weight.first = m;
  weight.second = v;
  const float root = std::sqrt(v) * std::sqrt(rule.second_correction);
  weight.value =
      shrink * weight.value - rule.lr * rule.first_correction * m / (root + rule.epsilon);
}

// Chen et al. (2023), Algorithm 2.
DDL_INLINE void MoveByLion(const UpdateRule& rule, float gradient, MovingWeight& weight) {
  const float g = rule.gradient_scale * gradient;
  const float direction = rule.beta1 * weight.first + rule.rest1 * g;
  weight.first = rule.beta2 * weight.first + rule.rest2 * g;
  const float step = direction > 0.0F ? rule.lr : 0.0F;
  // The last term is zero, or hands a NaN on.
  weight.value = (1.0F - rule.lr * rule.weight_decay) * weight.value -
                 (direction < 0.0F ? -rule.lr : step) + 0.0F * direction;
}

DDL_INLINE void Move(const UpdateRule& rule, float gradient, MovingWeight& weight) {
  if (rule.kind == OptimizerKind::kSgd) return MoveBySgd(rule, gradient, weight);
  if (rule.kind == OptimizerKind::kLion) return MoveByLion(rule, gradient, weight);
  MoveByAdam(rule, gradient, weight);
}

// Numbers is so many floats side by side: of a tensor from `offset` on, zero where it is not kept.
template <class Numbers>
[[nodiscard]] DDL_INLINE Numbers LoadKept(const LaneFloats& arena, std::uint32_t lane,
                                          std::size_t offset, std::size_t index) {
  if (offset == kNoTensor) return {};
  return *reinterpret_cast<const Numbers*>(arena.At(lane, offset + index));
}
template <class Numbers>
DDL_INLINE void StoreKept(const LaneFloats& arena, std::uint32_t lane, std::size_t offset,
                          std::size_t index, const Numbers& numbers) {
  if (offset == kNoTensor) return;
  StoreAtOnce(arena.At(lane, offset + index), numbers);
}

// Moves the weights from `index` on along their gradient.
template <class Numbers>
DDL_INLINE void MoveWeights(const LaneFloats& arena, std::uint32_t lane, const UpdatePart& part,
                            std::size_t index, const UpdateRule& rule, float average_rate,
                            const Numbers& gradient) {
  auto value = LoadKept<Numbers>(arena, lane, part.value, index);
  auto first = LoadKept<Numbers>(arena, lane, part.first, index);
  auto second = LoadKept<Numbers>(arena, lane, part.second, index);
  auto average = LoadKept<Numbers>(arena, lane, part.average, index);
  DDL_UNROLL
  for (std::uint32_t i = 0; i < sizeof(Numbers) / sizeof(float); ++i) {
    MovingWeight weight{value.at[i], first.at[i], second.at[i]};
    Move(rule, gradient.at[i], weight);
    value.at[i] = weight.value;
    first.at[i] = weight.first;
    second.at[i] = weight.second;
    average.at[i] += average_rate * (weight.value - average.at[i]);
  }
  StoreKept(arena, lane, part.value, index, value);
  StoreKept(arena, lane, part.first, index, first);
  StoreKept(arena, lane, part.second, index, second);
  StoreKept(arena, lane, part.average, index, average);
}

struct UpdateBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;
  StepBoard board;
  LaneFloats arena;
  const UpdatePart* parts = nullptr;  // [blocks]
  const float* scales = nullptr;      // [lanes]: of gradients that are clipped; null: of none

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const UpdatePart& part = parts[at.block];
    const LaneStep& step = board.Step(at.lane);
    const std::uint32_t start = at.thread * kFour;
    if (start >= part.floats || step.rows == 0) return;
    UpdateRule rule = step.rule;
    if (scales != nullptr) rule.gradient_scale = scales[at.lane];
    MoveWeights(arena, at.lane, part, start, rule, step.average_rate,
                LoadKept<FourFloats>(arena, at.lane, part.gradient, start));
  }
};

}  // namespace ddl
