// SPDX-License-Identifier: Apache-2.0
// A network as stages with fixed shapes and places: what a plan is compiled from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trainer/arena.h"
#include "trainer/dense.h"
#include "trainer/dropout.h"

namespace ddl {

// What decides shapes and therefore offsets; equal for all lanes of a plan.
struct ModelShape {
  std::size_t batch = 1;             // rows of a training step
  std::size_t evaluation_batch = 1;  // rows of a forward pass without training
  std::size_t features = 1;
  std::size_t classes = 2;
  std::vector<std::size_t> hidden;  // none: softmax regression
  Activation activation = Activation::kRelu;
  bool has_dropout = false;
  bool has_clipping = false;  // whole gradients are kept, as their norm is needed before an update
  int state_tensors = 0;      // 0, 1 or 2 that the optimizer keeps beside each weight
};

struct Model {
  ModelShape shape;
  LaneLayout layout;
  std::size_t state_floats = 0;  // the first so many of a lane are what a checkpoint holds
  Tensor input;                  // [rows, features]
  std::vector<DenseStage> layers;
  std::vector<DropoutStage> dropouts;  // one a hidden layer, or none
};

// Lays out weights and optimizer state first, then activations and gradients.
[[nodiscard]] Model BuildModel(const ModelShape& shape);

// Trained numbers, padding not counted.
[[nodiscard]] std::size_t CountWeights(const Model& model);

// Floating-point operations of the matrix products of one training step: 2 m n k each for forward,
// weight gradient and, but for the first layer, input gradient; padding not counted.
[[nodiscard]] double StepFlops(const Model& model);

}  // namespace ddl
