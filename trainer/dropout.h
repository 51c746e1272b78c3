// SPDX-License-Identifier: Apache-2.0
// Dropout: each number is kept with probability 1 - rate and then divided by it.
#pragma once

#include <array>
#include <cstddef>

#include "trainer/parameter.h"

namespace ddl {

struct DropoutStage {
  static constexpr const char* kName = "dropout";
  std::size_t number = 0;  // 0, 1, …: where its random numbers are drawn
  Flow input;
  Tensor mask;  // kept for the way back; empty on a GPU
  // Values apart from the input's, which the activation's way back reads; gradients may share a
  // place.
  Flow output;

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
};

// Draws a mask and applies it.
void Forward(const DropoutStage& stage, const LaneRun& run);

// Without training everything is kept.
void Evaluate(const DropoutStage& stage, const LaneRun& run);

// Applies the same mask to the gradient.
void Backward(const DropoutStage& stage, const LaneRun& run);

}  // namespace ddl
