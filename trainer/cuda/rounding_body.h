// SPDX-License-Identifier: Apache-2.0
// Copies in bfloat16 of what products multiply: trainer/bfloat16.h for lanes.
#pragma once

#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/update_body.h"

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

// The same of all parts of weights that are wanted so, or of their averages.
struct RoundPartsBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;
  LaneFloats arena;
  bool are_averages = false;
  const UpdatePart* parts = nullptr;  // [blocks]

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const UpdatePart& part = parts[at.block];
    const std::uint32_t start = at.thread * kFour;
    if (part.rounded == kNoTensor || start >= part.floats) return;
    LaneNumbers(part.rounded, true)
        .PutFour(
            arena, at.lane, start,
            LoadKept<FourFloats>(arena, at.lane, are_averages ? part.average : part.value, start));
  }
};

}  // namespace ddl
