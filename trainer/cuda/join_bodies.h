// SPDX-License-Identifier: Apache-2.0
// Where branches meet, and where images become rows: trainer/branch.h and trainer/flatten.h for
// lanes.
#pragma once

#include <cstdint>

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

enum class JoinKind : std::uint32_t {
  kSum,                // a + b
  kRectifiedSum,       // max(a + b, 0)
  kRectifiedGradient,  // b where a is above zero, else 0
};

// out = of a and b, element by element; out may be either. Four numbers a thread.
struct JoinBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(numbers / 4, kThreads)
  LaneFloats arena;
  JoinKind kind = JoinKind::kSum;
  LaneNumbers a;
  LaneNumbers b;
  LaneNumbers out;
  std::size_t numbers = 0;  // a multiple of sixteen

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= numbers) return;
    const FourFloats x = a.FourAt(arena, at.lane, first);
    const FourFloats y = b.FourAt(arena, at.lane, first);
    FourFloats four{};
    for (std::uint32_t i = 0; i < kFour; ++i) {
      four.at[i] = Joined(x.at[i], y.at[i]);
    }
    out.PutFour(arena, at.lane, first, four);
  }

 private:
  // A NaN passes through a sum.
  [[nodiscard]] DDL_INLINE float Joined(float x, float y) const {
    if (kind == JoinKind::kRectifiedGradient) return x > 0.0F ? y : 0.0F;
    const float sum = x + y;
    return kind == JoinKind::kRectifiedSum && sum < 0.0F ? 0.0F : sum;
  }
};

// Between images with padding between their pixels and rows without it. One number a thread.
struct FlattenBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(samples * places * width, kThreads)
  LaneFloats arena;
  bool is_back = false;  // from rows to images
  LaneNumbers images;
  LaneNumbers rows;
  std::uint32_t samples = 0;
  std::uint32_t places = 0;  // of a sample
  std::uint32_t width = 0;   // channels
  std::uint32_t pixel = 0;   // numbers from a pixel to the next
  std::uint32_t row_stride = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t index = at.block * kThreads + at.thread;
    const std::uint32_t row_floats = places * width;
    const std::uint32_t sample = index / row_floats;
    if (sample >= samples) return;
    const std::uint32_t col = index % row_floats;
    const std::size_t in_row = std::size_t{sample} * row_stride + col;
    const std::size_t in_image = (std::size_t{sample} * places + col / width) * pixel + col % width;
    if (is_back) {
      images.Put(arena, at.lane, in_image, rows.At(arena, at.lane, in_row));
    } else {
      rows.Put(arena, at.lane, in_row, images.At(arena, at.lane, in_image));
    }
  }
};

}  // namespace ddl
