// SPDX-License-Identifier: Apache-2.0
// Clipping by the norm of a lane's whole gradient: squares part by part, then the factor that
// shortens it, as PyTorch's clip_grad_norm_. All sums are in double and in a fixed order.
#pragma once

#include <cmath>

#include "trainer/cuda/update_body.h"

namespace ddl {

// Adds up what the threads of a block have left in shared memory: in phase 1 each of the first
// kAdders threads adds a run of neighbours, in phase 2 the first thread adds those.
struct BlockSum {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kAdders = 32;
  static constexpr std::uint32_t kRun = kThreads / kAdders;
  static constexpr std::size_t kSharedBytes = (kThreads + kAdders) * sizeof(double);

  double* sums = nullptr;  // of shared memory

  DDL_INLINE void AddRuns(std::uint32_t thread) const {
    if (thread >= kAdders) return;
    sums[kThreads + thread] = Add(sums + thread * kRun, kRun);
  }
  [[nodiscard]] DDL_INLINE double Total() const { return Add(sums + kThreads, kAdders); }

 private:
  [[nodiscard]] DDL_INLINE static double Add(const double* from, std::uint32_t count) {
    double sum = from[0];
    for (std::uint32_t i = 1; i < count; ++i) {
      sum += from[i];
    }
    return sum;
  }
};

// squares[lane, part] = of the gradient of that part.
struct SquaresBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = BlockSum::kSharedBytes;

  std::uint32_t blocks = 0;  // parts
  LaneFloats arena;
  const UpdatePart* parts = nullptr;  // [blocks]
  double* squares = nullptr;          // [lanes, blocks]

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const BlockSum block{static_cast<double*>(shared)};
    if (phase == 0) {
      block.sums[at.thread] = OwnSquares(at);
    } else if (phase == 1) {
      block.AddRuns(at.thread);
    } else if (at.thread == 0) {
      squares[std::size_t{at.lane} * blocks + at.block] = block.Total();
    }
  }

 private:
  [[nodiscard]] DDL_INLINE double OwnSquares(const ThreadPlace& at) const {
    const UpdatePart& part = parts[at.block];
    const std::uint32_t start = at.thread * kFour;
    if (start >= part.floats) return 0.0;
    const float* own = arena.At(at.lane, part.gradient + start);
    double sum = 0.0;
    for (std::uint32_t i = 0; i < kFour; ++i) {
      sum += static_cast<double>(own[i]) * static_cast<double>(own[i]);
    }
    return sum;
  }
};

// Every so many of a lane's squares, of which a thread of a block adds its own.
[[nodiscard]] DDL_INLINE double OwnSum(const double* squares, std::uint32_t parts,
                                       const ThreadPlace& at) {
  double sum = 0.0;
  for (std::uint32_t part = at.thread; part < parts; part += BlockSum::kThreads) {
    sum += squares[std::size_t{at.lane} * parts + part];
  }
  return sum;
}

// scales[lane] = what the gradient is to be multiplied by; one where the lane does not clip.
struct ClipBody {
  static constexpr std::uint32_t kThreads = kUpdateThreads;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = BlockSum::kSharedBytes;

  std::uint32_t blocks = 1;
  StepBoard board;
  const double* squares = nullptr;  // [lanes, parts]
  float* scales = nullptr;          // [lanes]
  std::uint32_t parts = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    constexpr double kTiny = 1e-6;
    const BlockSum block{static_cast<double*>(shared)};
    if (phase == 0) {
      block.sums[at.thread] = OwnSum(squares, parts, at);
    } else if (phase == 1) {
      block.AddRuns(at.thread);
    } else if (at.thread == 0) {
      const double longest = board.Step(at.lane).clip_norm;
      const double ratio = longest / (std::sqrt(block.Total()) + kTiny);
      // A gradient that is no number is not shortened: it is told by its loss.
      scales[at.lane] = longest > 0.0 && ratio < 1.0 ? static_cast<float>(ratio) : 1.0F;
    }
  }
};

}  // namespace ddl
