// SPDX-License-Identifier: Apache-2.0
// Logits of an evaluation's steps, kept for whoever wants more of them than their score.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// Where a lane's kept logits lie, and for how many steps of a stretch there is room.
struct KeptLogits {
  float* at = nullptr;  // [lanes, steps, floats of a step]
  std::uint32_t steps = 0;
};

// Four floats a thread; strides are multiples of sixteen. Steps beyond the room are not kept.
struct KeepLogitsBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(floats / 4, kThreads)
  StepBoard board;
  LaneFloats arena;
  KeptLogits kept;
  std::size_t logits = 0;
  std::uint32_t floats = 0;  // of a step: rows * stride

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t first = (at.block * kThreads + at.thread) * kFour;
    const std::uint32_t step = *board.cursor;
    if (first >= floats || step >= kept.steps) return;
    const std::size_t place = (std::size_t{at.lane} * kept.steps + step) * floats + first;
    *reinterpret_cast<FourFloats*>(kept.at + place) =
        *reinterpret_cast<const FourFloats*>(arena.At(at.lane, logits + first));
  }
};

}  // namespace ddl
