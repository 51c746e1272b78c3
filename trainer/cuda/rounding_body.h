// SPDX-License-Identifier: Apache-2.0
// Copies in bfloat16 of what products multiply: trainer/bfloat16.h for lanes.
#pragma once

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

struct RoundingBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(floats / 4, kThreads)
  LaneFloats arena;
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t floats = 0;  // a multiple of sixteen

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= floats) return;
    LaneNumbers(to, true).PutFour(arena, at.lane, first,
                                  LaneNumbers(from).FourAt(arena, at.lane, first));
  }
};

}  // namespace ddl
