// SPDX-License-Identifier: Apache-2.0
// Softmax with cross-entropy: trainer/softmax_kernels.h for lanes, and the sum of what rows are
// worth.
#pragma once

#include <cmath>

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/vector_math.h"

namespace ddl {

struct RowWorth {
  double loss = 0.0;
  ErrorSums errors;
  std::uint32_t is_correct = 0;
  std::uint32_t is_used = 0;
};

// One row a thread: a row of few classes is one or two lines of memory.
struct SoftmaxLossBody {
  static constexpr std::uint32_t kThreads = 64;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows, kThreads)
  StepBoard board;
  LaneFloats arena;
  std::size_t logits = 0;  // [rows, stride]
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  std::uint32_t classes = 0;
  std::uint32_t targets = 1;             // rows of a sample
  bool is_training = false;              // the logits become the gradient of the mean loss
  const std::int32_t* labels = nullptr;  // [lanes, label_rows]
  std::uint32_t label_rows = 0;
  RowWorth* worth = nullptr;  // as labels

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t row = at.block * kThreads + at.thread;
    if (row >= rows) return;
    const LaneStep& step = board.Step(at.lane);
    float* z = arena.At(at.lane, logits + std::size_t{row} * stride);
    const std::size_t place = std::size_t{at.lane} * label_rows + row;
    if (row >= step.rows * targets) {
      worth[place] = {};
      for (std::uint32_t c = 0; is_training && c < stride; ++c) {
        z[c] = 0.0F;
      }
      return;
    }
    const auto label = static_cast<std::uint32_t>(labels[place]);
    const Sums sums = Add(z);
    worth[place] = {.loss = Loss(sums, z[label], step.label_smoothing),
                    .errors = {},
                    .is_correct = label == sums.best ? 1U : 0U,
                    .is_used = 1U};
    if (is_training) PassBack(step, label, sums, z);
  }

 private:
  struct Sums {
    float maximum = 0.0F;
    std::uint32_t best = 0;
    float exponentials = 0.0F;  // the sum of e^(z - maximum)
    float shifted = 0.0F;       // the sum of z - maximum
  };

  [[nodiscard]] DDL_INLINE Sums Add(const float* z) const {
    Sums sums{z[0], 0, 0.0F, 0.0F};
    for (std::uint32_t c = 1; c < classes; ++c) {
      const bool is_better = z[c] > sums.maximum;
      sums.maximum = is_better ? z[c] : sums.maximum;
      sums.best = is_better ? c : sums.best;
    }
    for (std::uint32_t c = 0; c < classes; ++c) {
      const float shifted = z[c] - sums.maximum;
      sums.exponentials += VectorExp(shifted);
      sums.shifted += shifted;
    }
    return sums;
  }

  // -log p = log(sum of exponentials) - (z - maximum), at the label and, smoothed, over all.
  [[nodiscard]] DDL_INLINE double Loss(const Sums& sums, float label_logit,
                                       float label_smoothing) const {
    const double log_sum = std::log(static_cast<double>(sums.exponentials));
    const double at_label = log_sum - static_cast<double>(label_logit - sums.maximum);
    if (label_smoothing == 0.0F) return at_label;
    const auto smoothing = static_cast<double>(label_smoothing);
    const double mean = log_sum - static_cast<double>(sums.shifted) / static_cast<double>(classes);
    return (1.0 - smoothing) * at_label + smoothing * mean;
  }

  DDL_INLINE void PassBack(const LaneStep& step, std::uint32_t label, const Sums& sums,
                           float* z) const {
    const float scale = 1.0F / static_cast<float>(step.rows * targets);
    const float background = step.label_smoothing / static_cast<float>(classes) * scale;
    const float to_probability = scale / sums.exponentials;
    for (std::uint32_t c = 0; c < classes; ++c) {
      z[c] = VectorExp(z[c] - sums.maximum) * to_probability - background;
    }
    z[label] -= (1.0F - step.label_smoothing) * scale;
    for (std::uint32_t c = classes; c < stride; ++c) {
      z[c] = 0.0F;
    }
  }
};

// What a lane's batch is worth, in the table of the stretch. One block a lane: each of 32 threads
// adds every thirty-second row, then the first adds the sums in order.
struct SumScoresBody {
  static constexpr std::uint32_t kThreads = 32;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = kThreads * sizeof(LaneScore);

  std::uint32_t blocks = 1;
  StepBoard board;
  const RowWorth* worth = nullptr;  // [lanes, worth_rows]
  std::uint32_t worth_rows = 0;
  std::uint32_t rows = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    auto* sums = static_cast<LaneScore*>(shared);
    if (phase == 0) {
      LaneScore sum;
      for (std::uint32_t row = at.thread; row < rows; row += kThreads) {
        const RowWorth& one = worth[std::size_t{at.lane} * worth_rows + row];
        Add({.loss_sum = one.loss,
             .correct = one.is_correct,
             .rows = one.is_used,
             .errors = one.errors},
            sum);
      }
      sums[at.thread] = sum;
    } else if (at.thread == 0) {
      LaneScore sum = sums[0];
      for (std::uint32_t other = 1; other < kThreads; ++other) {
        Add(sums[other], sum);
      }
      board.scores[board.Entry(at.lane)] = sum;
    }
  }

 private:
  DDL_INLINE static void Add(const LaneScore& other, LaneScore& sum) {
    sum.loss_sum += other.loss_sum;
    sum.correct += other.correct;
    sum.rows += other.rows;
    sum.errors.distances += other.errors.distances;
    sum.errors.squares += other.errors.squares;
    sum.errors.targets += other.errors.targets;
    sum.errors.target_squares += other.errors.target_squares;
  }
};

// The last of a step: the next one reads the next entries of the tables.
struct AdvanceBody {
  static constexpr std::uint32_t kThreads = 32;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 1;
  std::uint32_t* cursor = nullptr;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    if (at.lane == 0 && at.thread == 0) ++*cursor;
  }
};

}  // namespace ddl
