// SPDX-License-Identifier: Apache-2.0
// Causal attention head by head: trainer/attention.h for lanes. Products are those of tile_body.h;
// here is what becomes of their squares. Those,
// [length, length] of all heads of all samples lie one after the other; what stands above their
// diagonals is zero once a softmax has passed.
#pragma once

#include <cmath>

#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/layer_norm_bodies.h"
#include "trainer/score_mask.h"
#include "trainer/vector_math.h"

namespace ddl {

struct HeadPlaces {
  std::uint32_t samples = 0;
  std::uint32_t heads = 0;
  std::uint32_t length = 0;
  std::uint32_t depth = 0;   // of a head
  std::uint32_t square = 0;  // floats of a row of a square: a multiple of sixteen

  [[nodiscard]] DDL_INLINE std::uint32_t Count() const { return samples * heads; }
  // A row of a head's square, in floats from the first square's start.
  [[nodiscard]] DDL_INLINE std::size_t SquareRow(std::uint32_t head, std::uint32_t row) const {
    return (std::size_t{head} * length + row) * square;
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

// to = from times its mask (score_mask.h), zero behind the diagonal, where nothing is read; `to`
// may be `from`. A thread draws one block of four words.
struct DropSquaresBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(Drawers(), kThreads)
  StepBoard board;
  LaneFloats arena;
  HeadPlaces places;
  std::uint32_t purpose = 0;  // as ScoreMaskPlace says
  std::size_t from = 0;
  std::size_t to = 0;

  [[nodiscard]] DDL_INLINE std::size_t Drawers() const {
    return std::size_t{places.Count()} * MaskPairs(places.length) * (places.square / 2);
  }

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t index = std::size_t{at.block} * kThreads + at.thread;
    if (index >= Drawers()) return;
    const std::uint32_t cols = places.square / 2;
    const auto col = static_cast<std::uint32_t>(index % cols);
    const auto row = static_cast<std::uint32_t>(index / cols % MaskPairs(places.length));
    const auto head = static_cast<std::uint32_t>(index / cols / MaskPairs(places.length));
    const LaneStep& step = board.Step(at.lane);
    const RandomPlace drawn{.seed = std::uint64_t{step.seed_high} << 32U | step.seed_low,
                            .step = step.number,
                            .purpose = purpose};
    const PhiloxWords words = DrawScores(drawn, places.length, head, row, col);
    const std::uint32_t word[] = {words.a, words.b, words.c, words.d};
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const std::uint32_t query = FirstOfMaskPair(row) + i / 2 * kMaskStep;
      const std::uint32_t key = FirstOfMaskPair(col) + i % 2 * kMaskStep;
      if (query >= places.length) return;
      const std::size_t place = places.SquareRow(head, query) + key;
      const float* read = arena.At(at.lane, from + place);
      *arena.At(at.lane, to + place) = key <= query ? *read * step.dropout.FactorOf(word[i]) : 0.0F;
    }
  }
};

}  // namespace ddl
