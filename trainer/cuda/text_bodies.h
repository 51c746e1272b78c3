// SPDX-License-Identifier: Apache-2.0
// Texts: windows of tokens, and their vectors. trainer/embed.h and the windows of trainer/task.cc
// for lanes.
#pragma once

#include "trainer/cuda/gather_body.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// A batch of each lane: windows of `length` tokens that begin where the order says, and as labels
// the token behind each. Rows behind the batch become zero. One token a thread.
struct TokensBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * length, kThreads)
  StepBoard board;
  LaneFloats arena;
  StoredRows<std::uint8_t> text;
  std::size_t out = 0;  // [rows, stride]
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  std::uint32_t length = 0;
  std::int32_t* labels = nullptr;  // [lanes, label_rows]
  std::uint32_t label_rows = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t index = at.block * kThreads + at.thread;
    const std::uint32_t row = index / length;
    const std::uint32_t col = index % length;
    if (row >= rows) return;
    float token = 0.0F;
    std::int32_t next = 0;
    if (row < board.Step(at.lane).rows) {
      const std::size_t begin = board.order[board.Entry(at.lane) * board.order_rows + row];
      token = static_cast<float>(text.features[begin + col]);
      next = text.features[begin + col + 1];
    }
    *arena.At(at.lane, out + std::size_t{row} * stride + col) = token;
    labels[std::size_t{at.lane} * label_rows + index] = next;
  }
};

// Where tokens and their vectors lie.
struct TokenPlaces {
  std::size_t tokens = 0;  // [samples, token_stride]
  std::uint32_t samples = 0;
  std::uint32_t length = 0;  // tokens of a sample
  std::uint32_t token_stride = 0;
  std::uint32_t stride = 0;  // floats of a vector with padding

  // Row `row` is token `row` of all samples.
  [[nodiscard]] DDL_INLINE std::size_t TokenAt(const LaneFloats& arena, std::uint32_t lane,
                                               std::uint32_t row) const {
    const std::size_t place = std::size_t{row / length} * token_stride + row % length;
    return static_cast<std::size_t>(*arena.At(lane, tokens + place));
  }
};

// out = the token's vector + the position's. Four columns a thread.
struct EmbedBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(samples * length * stride / 4, kThreads)
  LaneFloats arena;
  TokenPlaces at;
  std::size_t table = 0;
  std::size_t positions = 0;
  std::size_t out = 0;  // [samples * length, stride]

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const std::size_t first = (std::size_t{place.block} * kThreads + place.thread) * kFour;
    const auto row = static_cast<std::uint32_t>(first / at.stride);
    if (row >= at.samples * at.length) return;
    const std::size_t col = first % at.stride;
    const std::size_t token = at.TokenAt(arena, place.lane, row);
    const auto* vector = arena.At(place.lane, table + token * at.stride + col);
    const auto* position =
        arena.At(place.lane, positions + std::size_t{row % at.length} * at.stride + col);
    FourFloats four = *reinterpret_cast<const FourFloats*>(vector);
    const FourFloats other = *reinterpret_cast<const FourFloats*>(position);
    for (std::uint32_t i = 0; i < kFour; ++i) {
      four.at[i] += other.at[i];
    }
    StoreAtOnce(arena.At(place.lane, out + first), four);
  }
};

// The table's gradient: each of its rows adds up the gradients of its token, wherever it stands.
// A block has 32 columns of a row; each of eight groups of threads looks at every eighth token, and
// the eight sums are added in order. Scattering would need atomic sums, whose order is no one's.
struct TableGradientBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::uint32_t kCols = 32;
  static constexpr std::uint32_t kGroups = kThreads / kCols;
  static constexpr std::size_t kSharedBytes = kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // BlocksFor(stride, kCols) * rows of the table
  LaneFloats arena;
  TokenPlaces at;
  std::size_t gradient = 0;  // [samples * length, stride]
  std::size_t out = 0;       // [vocabulary, stride]

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& place, void* shared) const {
    const std::uint32_t wide = (at.stride + kCols - 1) / kCols;
    const std::uint32_t own = place.thread % kCols;
    const std::uint32_t group = place.thread / kCols;
    const std::uint32_t col = place.block % wide * kCols + own;
    const std::size_t token = place.block / wide;
    if (col >= at.stride) return;
    auto* sums = static_cast<float*>(shared);
    if (phase == 0) {
      float sum = 0.0F;
      for (std::uint32_t row = group; row < at.samples * at.length; row += kGroups) {
        if (at.TokenAt(arena, place.lane, row) != token) continue;
        sum += *arena.At(place.lane, gradient + std::size_t{row} * at.stride + col);
      }
      sums[place.thread] = sum;
    } else if (group == 0) {
      float sum = sums[own];
      for (std::uint32_t other = 1; other < kGroups; ++other) {
        sum += sums[other * kCols + own];
      }
      *arena.At(place.lane, out + token * at.stride + col) = sum;
    }
  }
};

// The positions' gradient: each adds up its own of all samples, in order. One column a thread.
struct PositionGradientBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(length * stride, kThreads)
  LaneFloats arena;
  TokenPlaces at;
  std::size_t gradient = 0;
  std::size_t out = 0;  // [length, stride]

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const std::size_t index = std::size_t{place.block} * kThreads + place.thread;
    const std::size_t sample = std::size_t{at.length} * at.stride;
    if (index >= sample) return;
    const float* own = arena.At(place.lane, gradient + index);
    float sum = 0.0F;
    for (std::uint32_t i = 0; i < at.samples; ++i) {
      sum += own[i * sample];
    }
    *arena.At(place.lane, out + index) = sum;
  }
};

}  // namespace ddl
