// SPDX-License-Identifier: Apache-2.0
#include "trainer/regression.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ddl {

namespace {

struct RowLoss {
  double value = 0.0;
  double slope = 0.0;
};

double SignOf(double d) {
  return d > 0.0 ? 1.0 : (d < 0.0 ? -1.0 : 0.0 * d);  // what is no number stays none
}

RowLoss LossOf(const RegressionTargets& targets, double d) {
  switch (targets.kind) {
    case LossKind::kSquares:
      return {d * d, 2.0 * d};
    case LossKind::kDistances:
      return {std::abs(d), SignOf(d)};
    case LossKind::kHuber: {
      const double delta = targets.delta;
      if (std::abs(d) <= delta) return {0.5 * d * d, d};
      return {delta * (std::abs(d) - 0.5 * delta), delta * SignOf(d)};
    }
    case LossKind::kCrossEntropy:
      break;
  }
  assert(false);
  return {};
}

RowLoss AddRow(const RegressionTargets& targets, std::size_t row, float answer, BatchScore& score) {
  const float target = RealTarget(targets.labels[row]);
  const double off = static_cast<double>(target) - targets.scale.mean;
  const RowLoss loss = LossOf(targets, static_cast<double>(answer) - off / targets.scale.deviation);
  const double error =
      static_cast<double>(targets.scale.Predicted(answer)) - static_cast<double>(target);
  score.Add({.loss_sum = loss.value,
             .rows = 1,
             .errors = {.distances = std::abs(error),
                        .squares = error * error,
                        .targets = off,
                        .target_squares = off * off}});
  return loss;
}

}  // namespace

BatchScore RegressionGradient(BlockShape shape, const RegressionTargets& targets, float* answers) {
  BatchScore score;
  for (std::size_t row = 0; row < shape.rows; ++row) {
    float* line = answers + row * shape.stride;
    const RowLoss loss = AddRow(targets, row, line[0], score);
    std::fill_n(line, shape.stride, 0.0F);
    line[0] = static_cast<float>(loss.slope / static_cast<double>(shape.rows));
  }
  return score;
}

BatchScore RegressionScore(BlockShape shape, const RegressionTargets& targets,
                           const float* answers) {
  BatchScore score;
  for (std::size_t row = 0; row < shape.rows; ++row) {
    (void)AddRow(targets, row, answers[row * shape.stride], score);
  }
  return score;
}

}  // namespace ddl
