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

// How the threads of a block share a slice: 32 columns side by side, and eight groups of threads
// that take every eighth row each.
struct ColumnSlices {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kCols = 32;
  static constexpr std::uint32_t kGroups = kThreads / kCols;

  // A thread's column, and its rows: first, first + kGroups, … below `end`.
  struct Place {
    std::uint32_t own = 0;  // column of the block's
    std::uint32_t group = 0;
    std::uint32_t col = 0;
    std::uint32_t slice = 0;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };

  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  [[nodiscard]] constexpr std::uint32_t Blocks() const {
    return BlocksFor(stride, kCols) * SlicesOf(rows);
  }
  // `used`: the first so many rows count.
  [[nodiscard]] DDL_INLINE Place At(const ThreadPlace& at, std::uint32_t used) const {
    const std::uint32_t wide = (stride + kCols - 1) / kCols;
    Place place;
    place.own = at.thread % kCols;
    place.group = at.thread / kCols;
    place.col = at.block % wide * kCols + place.own;
    place.slice = at.block / wide;
    place.first = place.slice * kSliceRows + place.group;
    const std::uint32_t end = (place.slice + 1) * kSliceRows;
    place.end = end < used ? end : used;
    return place;
  }
  // Of the groups' sums of one column, in order; threads of a group lie side by side.
  [[nodiscard]] DDL_INLINE static float Fold(const float* sums, std::uint32_t own) {
    float sum = sums[own];
    for (std::uint32_t other = 1; other < kGroups; ++other) {
      sum += sums[other * kCols + own];
    }
    return sum;
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
