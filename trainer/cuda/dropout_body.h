// SPDX-License-Identifier: Apache-2.0
// Dropout by the numbers of trainer/random_kernels.h. The way back draws them again: cheaper than
// a mask that is written and read.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/philox.h"

namespace ddl {

// output = input * mask, where output may be input. A thread draws one block of four words, which
// belong to four columns sixteen apart.
struct DropoutBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;
  static constexpr std::uint32_t kGroup = static_cast<std::uint32_t>(kRandomGroup);
  static constexpr std::uint32_t kLine = static_cast<std::uint32_t>(kFloatsPerLine);

  std::uint32_t blocks = 0;  // BlocksFor(rows * Drawers(), kThreads)
  StepBoard board;
  LaneFloats arena;
  LaneNumbers input;
  LaneNumbers output;
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  std::uint32_t purpose = 0;  // and layer, as DropoutPlace says

  // Threads that a row needs.
  [[nodiscard]] DDL_INLINE std::uint32_t Drawers() const {
    return (stride + kGroup - 1) / kGroup * kLine;
  }

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t index = std::size_t{at.block} * kThreads + at.thread;
    const auto row = static_cast<std::uint32_t>(index / Drawers());
    if (row >= rows) return;
    const auto drawer = static_cast<std::uint32_t>(index % Drawers());
    const std::uint32_t group = drawer / kLine;
    const LaneStep& step = board.Step(at.lane);
    const PhiloxWords drawn = Philox({group * kLine + drawer % kLine, row, step.number, purpose},
                                     {step.seed_low, step.seed_high});
    const std::uint32_t words[] = {drawn.a, drawn.b, drawn.c, drawn.d};
    for (std::uint32_t j = 0; j < kFour; ++j) {
      const std::uint32_t col = group * kGroup + j * kLine + drawer % kLine;
      if (col >= stride) return;
      const std::size_t place = std::size_t{row} * stride + col;
      const float factor = step.dropout.FactorOf(words[j]);
      output.Put(arena, at.lane, place, input.At(arena, at.lane, place) * factor);
    }
  }
};

}  // namespace ddl
