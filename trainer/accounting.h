// SPDX-License-Identifier: Apache-2.0
// What a model costs: numbers to train, arithmetic and memory of a training step.
#pragma once

#include <cstddef>

#include "trainer/model.h"

namespace ddl {

// Trained numbers, padding not counted.
[[nodiscard]] std::size_t CountWeights(const Model& model);

struct StepCost {
  double flops = 0.0;  // of matrix products alone: 2 m n k each, padding not counted
  double bytes = 0.0;  // read and written, each tensor once a pass over it, padding counted
};

// Of one training step with a whole batch: forward, gradients of weights and, but for what reads
// data, of inputs, and the update. Bytes are those of the values a stage reads and writes forward
// (input, output), backward (both again, and their gradients) and in the update (weights, gradient,
// the optimizer's tensors, all but the gradient written as well); how many of them come from a
// cache is the machine's affair.
[[nodiscard]] StepCost CostOf(const Model& model, const Stage& stage);

// All stages together, and the loss.
[[nodiscard]] StepCost CostOf(const Model& model);

// The flops of CostOf(model).
[[nodiscard]] double StepFlops(const Model& model);

}  // namespace ddl
