// SPDX-License-Identifier: Apache-2.0
// Causal attention head by head: trainer/attention.h for lanes, as three kinds of kernels. Squares
// [length, length] of all heads of all samples lie one after the other; what stands above their
// diagonals is zero once a softmax has passed.
#pragma once

#include <cmath>

#include "trainer/cuda/layer_norm_bodies.h"
#include "trainer/vector_math.h"

namespace ddl {

// Numbers of a head, at most: two tiles of them are shared by a block.
inline constexpr std::uint32_t kMostHeadDepth = 128;

struct HeadPlaces {
  std::uint32_t samples = 0;
  std::uint32_t heads = 0;
  std::uint32_t length = 0;
  std::uint32_t depth = 0;   // of a head, at most kMostHeadDepth
  std::uint32_t square = 0;  // floats of a row of a square: a multiple of sixteen

  [[nodiscard]] DDL_INLINE std::uint32_t Count() const { return samples * heads; }
  // A row of a head's square, in floats from the first square's start.
  [[nodiscard]] DDL_INLINE std::size_t SquareRow(std::uint32_t head, std::uint32_t row) const {
    return (std::size_t{head} * length + row) * square;
  }
};

// One of the matrices [samples * length, stride] that heads lie in side by side.
struct HeadRows {
  std::size_t offset = 0;  // of the first head's first column
  std::uint32_t stride = 0;

  // `head` counts the heads of all samples.
  [[nodiscard]] DDL_INLINE std::size_t At(const HeadPlaces& places, std::uint32_t head,
                                          std::uint32_t row) const {
    const std::uint32_t sample = head / places.heads;
    return offset + (std::size_t{sample} * places.length + row) * stride +
           std::size_t{head % places.heads} * places.depth;
  }
};

// squares[q, k] = a[q] · b[k], in tiles of 32 x 32 of which those above the diagonal are left out.
// A thread has two rows and two columns of its tile, sixteen apart.
struct HeadScoresBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::uint32_t kTile = 32;
  static constexpr std::uint32_t kHalf = kTile / 2;
  static constexpr std::uint32_t kPitch = kMostHeadDepth + 1;  // odd: rows lie in other banks
  static constexpr std::size_t kSharedBytes = std::size_t{2} * kTile * kPitch * sizeof(float);

  std::uint32_t blocks = 0;  // heads of all samples * tiles * tiles
  LaneFloats arena;
  HeadPlaces places;
  HeadRows a;
  HeadRows b;
  std::size_t squares = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t tiles = (places.length + kTile - 1) / kTile;
    const std::uint32_t head = at.block / (tiles * tiles);
    const std::uint32_t row = at.block / tiles % tiles * kTile;
    const std::uint32_t col = at.block % tiles * kTile;
    if (col > row) return;
    auto* left = static_cast<float*>(shared);
    float* right = left + kTile * kPitch;
    if (phase == 0) {
      Load(at, a, head, row, left);
      Load(at, b, head, col, right);
      return;
    }
    const std::uint32_t y = at.thread / kHalf;
    const std::uint32_t x = at.thread % kHalf;
    float sums[2][2] = {};
    for (std::uint32_t d = 0; d < places.depth; ++d) {
      for (std::uint32_t i = 0; i < 2; ++i) {
        for (std::uint32_t j = 0; j < 2; ++j) {
          sums[i][j] += left[(y + i * kHalf) * kPitch + d] * right[(x + j * kHalf) * kPitch + d];
        }
      }
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
      for (std::uint32_t j = 0; j < 2; ++j) {
        const std::uint32_t q = row + y + i * kHalf;
        const std::uint32_t k = col + x + j * kHalf;
        if (q >= places.length || k >= places.length) continue;
        *arena.At(at.lane, squares + places.SquareRow(head, q) + k) = sums[i][j];
      }
    }
  }

 private:
  DDL_INLINE void Load(const ThreadPlace& at, const HeadRows& from, std::uint32_t head,
                       std::uint32_t first, float* tile) const {
    for (std::uint32_t i = at.thread; i < kTile * places.depth; i += kThreads) {
      const std::uint32_t row = i / places.depth;
      const std::uint32_t d = i % places.depth;
      const bool is_inside = first + row < places.length;
      tile[row * kPitch + d] =
          is_inside ? *arena.At(at.lane, from.At(places, head, first + row) + d) : 0.0F;
    }
  }
};

// Rows of scores become probabilities up to the diagonal, and zero behind it. Thirty-two threads a
// row.
struct CausalSoftmaxBody {
  static constexpr std::uint32_t kThreads = RowThreads::kThreads;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = 2 * kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // BlocksFor(rows of all squares, RowThreads::kBlockRows)
  LaneFloats arena;
  HeadPlaces places;
  float scale = 1.0F;
  std::size_t squares = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t row = RowThreads::Row(at);
    if (row >= places.Count() * places.length) return;
    const std::uint32_t count = row % places.length + 1;
    const std::uint32_t worker = RowThreads::Worker(at);
    float* s = arena.At(at.lane, squares + std::size_t{row} * places.square);
    auto* largest = static_cast<float*>(shared);
    float* sums = largest + kThreads;
    if (phase == 0) {
      float most = s[0];
      for (std::uint32_t i = worker; i < count; i += RowThreads::kRowThreads) {
        most = s[i] > most ? s[i] : most;
      }
      largest[at.thread] = most;
    } else if (phase == 1) {
      const float most = Largest(largest, at);
      float sum = 0.0F;
      for (std::uint32_t i = worker; i < count; i += RowThreads::kRowThreads) {
        s[i] = VectorExp(scale * (s[i] - most));
        sum += s[i];
      }
      sums[at.thread] = sum;
    } else {
      const float share = 1.0F / RowThreads::Fold(sums, at);
      for (std::uint32_t i = worker; i < places.square; i += RowThreads::kRowThreads) {
        s[i] = i < count ? s[i] * share : 0.0F;
      }
    }
  }

 private:
  [[nodiscard]] DDL_INLINE static float Largest(const float* largest, const ThreadPlace& at) {
    const float* own = largest + at.thread / RowThreads::kRowThreads * RowThreads::kRowThreads;
    float most = own[0];
    for (std::uint32_t i = 1; i < RowThreads::kRowThreads; ++i) {
      most = own[i] > most ? own[i] : most;
    }
    return most;
  }
};

// The gradient of the scores from that of the probabilities, in place; zero behind the diagonal.
struct CausalSoftmaxGradientBody {
  static constexpr std::uint32_t kThreads = RowThreads::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // as CausalSoftmaxBody
  LaneFloats arena;
  HeadPlaces places;
  float scale = 1.0F;
  std::size_t probabilities = 0;
  std::size_t squares = 0;  // gradients

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t row = RowThreads::Row(at);
    if (row >= places.Count() * places.length) return;
    const std::uint32_t count = row % places.length + 1;
    const std::uint32_t worker = RowThreads::Worker(at);
    const float* p = arena.At(at.lane, probabilities + std::size_t{row} * places.square);
    float* g = arena.At(at.lane, squares + std::size_t{row} * places.square);
    auto* sums = static_cast<float*>(shared);
    if (phase == 0) {
      float sum = 0.0F;
      for (std::uint32_t i = worker; i < count; i += RowThreads::kRowThreads) {
        sum += p[i] * g[i];
      }
      sums[at.thread] = sum;
      return;
    }
    const float sum = RowThreads::Fold(sums, at);
    for (std::uint32_t i = worker; i < places.square; i += RowThreads::kRowThreads) {
      g[i] = i < count ? scale * p[i] * (g[i] - sum) : 0.0F;
    }
  }
};

// out[r] = the sum over o of w[r, o] x[o] or, transposed, of w[o, r] x[o], of a head's square w,
// from the first to the last that may not be zero. A thread has one column of four rows and takes
// four of the sum at a time.
struct HeadMixBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(heads * BlocksFor(length, 4) * depth, kThreads)
  LaneFloats arena;
  HeadPlaces places;
  bool is_transposed = false;
  std::size_t squares = 0;
  HeadRows x;
  HeadRows out;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t index = at.block * kThreads + at.thread;
    const std::uint32_t fours = (places.length + kFour - 1) / kFour;
    const std::uint32_t d = index % places.depth;
    const std::uint32_t row = index / places.depth % fours * kFour;
    const std::uint32_t head = index / places.depth / fours;
    if (head >= places.Count()) return;
    FourFloats sums{};
    const std::uint32_t begin = is_transposed ? row : 0;
    const std::uint32_t end = is_transposed ? places.length : row + kFour;
    for (std::uint32_t other = begin; other < end; other += kFour) {
      AddFour(at.lane, head, row, other, d, sums);
    }
    for (std::uint32_t i = 0; i < kFour && row + i < places.length; ++i) {
      *arena.At(at.lane, out.At(places, head, row + i) + d) = sums.at[i];
    }
  }

 private:
  DDL_INLINE void AddFour(std::uint32_t lane, std::uint32_t head, std::uint32_t row,
                          std::uint32_t other, std::uint32_t d, FourFloats& sums) const {
    float values[kFour];
    for (std::uint32_t j = 0; j < kFour; ++j) {
      const bool is_inside = other + j < places.length;
      values[j] = is_inside ? *arena.At(lane, x.At(places, head, other + j) + d) : 0.0F;
    }
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const std::uint32_t line = is_transposed ? other + i : row + i;
      if (line >= places.length) return;
      const FourFloats w = *reinterpret_cast<const FourFloats*>(
          arena.At(lane, squares + places.SquareRow(head, line) + (is_transposed ? row : other)));
      for (std::uint32_t j = 0; j < kFour; ++j) {
        if (is_transposed) {
          sums.at[j] += w.at[j] * values[i];
        } else {
          sums.at[i] += w.at[j] * values[j];
        }
      }
    }
  }
};

}  // namespace ddl
