// SPDX-License-Identifier: Apache-2.0
// Copies in bfloat16 of what products multiply: trainer/bfloat16.h for lanes. Two numbers lie in
// the place of a float.
#pragma once

#include "trainer/bfloat16.h"
#include "trainer/bfloat16_bits.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// Four bfloat16 side by side, written at once.
struct alignas(8) FourHalves {
  Bfloat16 at[4];
};

// The `index`-th number of a matrix of bfloat16 that begins at `offset` floats; a multiple of four.
DDL_INLINE void StoreRounded(const LaneFloats& arena, std::uint32_t lane, std::size_t offset,
                             std::size_t index, const FourFloats& four) {
  FourHalves halves{};
  for (std::uint32_t i = 0; i < kFour; ++i) {
    halves.at[i].bits = Bfloat16Bits(four.at[i]);
  }
  *reinterpret_cast<FourHalves*>(arena.At(lane, offset + index / 2)) = halves;
}

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
    StoreRounded(arena, at.lane, to, first,
                 *reinterpret_cast<const FourFloats*>(arena.At(at.lane, from + first)));
  }
};

}  // namespace ddl
