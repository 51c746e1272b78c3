// SPDX-License-Identifier: Apache-2.0
// Losses of real targets: trainer/regression.h for lanes, in double as there. One row a thread.
#pragma once

#include <bit>
#include <cmath>

#include "trainer/cuda/loss_bodies.h"
#include "trainer/regression.h"

namespace ddl {

struct RegressionLossBody {
  static constexpr std::uint32_t kThreads = 64;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows, kThreads)
  StepBoard board;
  LaneFloats arena;
  LossKind kind = LossKind::kSquares;
  std::size_t answers = 0;  // [rows, stride], of which the first column counts
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  bool is_training = false;              // the answers become the gradient of the mean loss
  const std::int32_t* labels = nullptr;  // [lanes, label_rows]: the bits of each target
  std::uint32_t label_rows = 0;
  RowWorth* worth = nullptr;  // as labels

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t row = at.block * kThreads + at.thread;
    if (row >= rows) return;
    const LaneStep& step = board.Step(at.lane);
    float* line = arena.At(at.lane, answers + std::size_t{row} * stride);
    const std::size_t place = std::size_t{at.lane} * label_rows + row;
    const float answer = line[0];
    for (std::uint32_t c = 0; is_training && c < stride; ++c) {
      line[c] = 0.0F;
    }
    if (row >= step.rows) {
      worth[place] = {};
      return;
    }
    const float target = std::bit_cast<float>(labels[place]);
    const double off = static_cast<double>(target) - step.target.mean;
    const RowLoss loss =
        LossOf(static_cast<double>(answer) - off / step.target.deviation, step.huber_delta);
    const auto predicted =
        static_cast<float>(static_cast<double>(answer) * step.target.deviation + step.target.mean);
    const double error = static_cast<double>(predicted) - static_cast<double>(target);
    worth[place] = {.loss = loss.value,
                    .errors = {.distances = std::abs(error),
                               .squares = error * error,
                               .targets = off,
                               .target_squares = off * off},
                    .is_correct = 0,
                    .is_used = 1};
    if (is_training) line[0] = static_cast<float>(loss.slope / static_cast<double>(step.rows));
  }

 private:
  struct RowLoss {
    double value = 0.0;
    double slope = 0.0;
  };

  [[nodiscard]] DDL_INLINE static double SignOf(double d) {
    return d > 0.0 ? 1.0 : (d < 0.0 ? -1.0 : 0.0 * d);  // what is no number stays none
  }

  [[nodiscard]] DDL_INLINE RowLoss LossOf(double d, double delta) const {
    if (kind == LossKind::kSquares) return {d * d, 2.0 * d};
    if (kind == LossKind::kDistances) return {std::abs(d), SignOf(d)};
    if (std::abs(d) <= delta) return {0.5 * d * d, d};
    return {delta * (std::abs(d) - 0.5 * delta), delta * SignOf(d)};
  }
};

}  // namespace ddl
