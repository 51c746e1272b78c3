// SPDX-License-Identifier: Apache-2.0
// Losses of real targets, on the scale on which the network answers, and the errors in the target's
// own unit. One answer a row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/activation_kernels.h"
#include "trainer/batch_score.h"
#include "trainer/target.h"

namespace ddl {

enum class LossKind : std::uint8_t { kCrossEntropy, kSquares, kDistances, kHuber };

// With d = answer - target: d^2; |d|; d^2 / 2 up to delta and delta (|d| - delta / 2) beyond it
// (Huber, 1964). As PyTorch's MSELoss, L1Loss and HuberLoss; the derivative of |d| at 0 is 0.
struct RegressionTargets {
  const std::int32_t* labels = nullptr;  // [rows], the bits of each target
  LossKind kind = LossKind::kSquares;
  double delta = 1.0;
  TargetScale scale;
};

// Overwrites answers[rows, stride], of which the first column counts, with the gradient of the mean
// loss over `rows`; padding columns become zero.
BatchScore RegressionGradient(BlockShape shape, const RegressionTargets& targets, float* answers);

// The same score; the answers stay.
[[nodiscard]] BatchScore RegressionScore(BlockShape shape, const RegressionTargets& targets,
                                         const float* answers);

}  // namespace ddl
