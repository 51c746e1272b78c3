// SPDX-License-Identifier: Apache-2.0
// The two ends of a residual block: a flow that two branches read, and the sum in which they meet.
#pragma once

#include <array>
#include <cstddef>

#include "trainer/parameter.h"

namespace ddl {

// Nothing to do on the way there: both branches read the same values. Their gradients are apart.
struct ForkStage {
  static constexpr const char* kName = "fork";
  Flow input;     // its gradient is where the first branch leaves its own; empty for data
  Tensor second;  // the second branch's gradient

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
};

void Forward(const ForkStage& stage, const LaneRun& run);

// Adds the second branch's gradient to the first's.
void Backward(const ForkStage& stage, const LaneRun& run);

// output = first + second, or max(first + second, 0). Its gradient, taken through the maximum in
// place, is that of both branches, which leave it as it is.
struct AddStage {
  static constexpr const char* kName = "add";
  bool is_rectified = true;
  Tensor first;
  Tensor second;
  Flow output;

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
};

void Forward(const AddStage& stage, const LaneRun& run);
void Backward(const AddStage& stage, const LaneRun& run);

}  // namespace ddl
