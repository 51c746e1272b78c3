// SPDX-License-Identifier: Apache-2.0
// Four columns a thread of a matrix, the same ones in every row that it goes through, so that what
// it knows of them is read once.
#pragma once

#include <cstdint>

#include "trainer/cuda/kernel_body.h"

namespace ddl {

struct RowFours {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kTurns = 8;  // rows of a thread

  std::uint32_t rows = 0;
  std::uint32_t stride = 0;  // a multiple of four

  // Of one thread: none of its rows where `first` is not below `end`.
  struct Place {
    std::uint32_t col = 0;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::uint32_t step = 1;
  };

  [[nodiscard]] std::uint32_t Blocks() const {
    return BlocksFor(Across(), kThreads) * BlocksFor(rows, RowsAtOnce() * kTurns);
  }
  [[nodiscard]] DDL_INLINE Place At(const ThreadPlace& at) const {
    const std::uint32_t across = Across();
    const std::uint32_t wide = (across + kThreads - 1) / kThreads;
    const std::uint32_t at_once = RowsAtOnce();
    const std::uint32_t begin = at.block / wide * at_once * kTurns;
    const std::uint32_t end = begin + at_once * kTurns < rows ? begin + at_once * kTurns : rows;
    if (wide > 1) {
      const std::uint32_t four = at.block % wide * kThreads + at.thread;
      return {four * kFour, begin, four < across ? end : begin, 1};
    }
    const std::uint32_t row = at.thread / across;
    return {(at.thread - row * across) * kFour, begin + row, row < at_once ? end : begin, at_once};
  }

 private:
  [[nodiscard]] DDL_INLINE std::uint32_t Across() const { return stride / kFour; }
  [[nodiscard]] DDL_INLINE std::uint32_t RowsAtOnce() const {
    return Across() < kThreads ? kThreads / Across() : 1;
  }
};

}  // namespace ddl
