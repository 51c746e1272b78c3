// SPDX-License-Identifier: Apache-2.0
// Sums down the columns of matrices with many rows: a block adds up a slice of rows, and what the
// slices give is added in order. How many slices there are is a matter of the rows alone, so that
// no sum depends on how many lanes run.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

inline constexpr std::uint32_t kSliceRows = 512;

[[nodiscard]] constexpr std::uint32_t SlicesOf(std::size_t rows) {
  return BlocksFor(rows, kSliceRows);
}

// How the threads of a block share a slice: four columns each, eight of them side by side, and 32
// groups of threads that take every 32nd row each. Their sums lie in shared memory, a row of 32
// columns for each group, and are then added by a thread a column.
struct ColumnSlices {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kCols = 32;
  static constexpr std::uint32_t kGroups = kThreads * kFour / kCols;
  static constexpr std::size_t kSharedBytes = kThreads * sizeof(FourFloats);  // of one kind of sums

  // A thread's columns from `col` on, and its rows: first, first + kGroups, … below `end`.
  struct Place {
    std::uint32_t col = 0;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };
  // The column whose sum a thread tells.
  struct Column {
    bool is_there = false;
    std::uint32_t own = 0;  // of the block's
    std::uint32_t col = 0;
    std::uint32_t slice = 0;
  };

  std::uint32_t rows = 0;
  std::uint32_t stride = 0;  // a multiple of four

  [[nodiscard]] constexpr std::uint32_t Blocks() const { return Wide() * SlicesOf(rows); }
  // `used`: the first so many rows count.
  [[nodiscard]] DDL_INLINE Place PlaceOf(const ThreadPlace& at, std::uint32_t used) const {
    constexpr std::uint32_t kFours = kCols / kFour;
    const std::uint32_t slice = at.block / Wide();
    const std::uint32_t first_col = (at.block - slice * Wide()) * kCols;
    const std::uint32_t end = (slice + 1) * kSliceRows;
    return {first_col + at.thread % kFours * kFour, slice * kSliceRows + at.thread / kFours,
            end < used ? end : used};
  }
  [[nodiscard]] DDL_INLINE Column ColumnOf(const ThreadPlace& at) const {
    const std::uint32_t slice = at.block / Wide();
    const std::uint32_t col = (at.block - slice * Wide()) * kCols + at.thread;
    return {at.thread < kCols && col < stride, at.thread, col, slice};
  }
  // Of the groups' sums of one column, in order.
  [[nodiscard]] DDL_INLINE static float Fold(const float* sums, const Column& column) {
    float sum = sums[column.own];
    for (std::uint32_t other = 1; other < kGroups; ++other) {
      sum += sums[other * kCols + column.own];
    }
    return sum;
  }
  DDL_INLINE static void Keep(float* sums, const ThreadPlace& at, const FourFloats& own) {
    ShareAtOnce(sums + std::size_t{at.thread} * kFour, own);
  }

 private:
  [[nodiscard]] DDL_INLINE constexpr std::uint32_t Wide() const {
    return (stride + kCols - 1) / kCols;
  }
};

// out[col] = the sum of what the slices gave, added in order and in double.
struct SumSlicesBody {
  static constexpr std::uint32_t kThreads = 64;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(stride, kThreads)
  LaneFloats arena;
  std::size_t parts = 0;  // [slices, apart]
  std::size_t apart = 0;  // floats between two slices
  LaneNumbers out;        // [stride]
  std::uint32_t slices = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t col = at.block * kThreads + at.thread;
    if (col >= stride) return;
    const float* own = arena.At(at.lane, parts + col);
    double sum = 0.0;
    for (std::uint32_t slice = 0; slice < slices; ++slice) {
      sum += static_cast<double>(own[slice * apart]);
    }
    out.Put(arena, at.lane, col, static_cast<float>(sum));
  }
};

}  // namespace ddl
