// SPDX-License-Identifier: Apache-2.0
// A network as stages with fixed shapes and places: what a plan is compiled from.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "trainer/arena.h"
#include "trainer/bfloat16.h"
#include "trainer/layer.h"
#include "trainer/regression.h"
#include "trainer/stage.h"

namespace ddl {

struct ImageShape {
  ImageSize size;
  std::size_t channels = 1;

  bool operator==(const ImageShape&) const = default;
};

// What decides shapes and therefore offsets; equal for all lanes of a plan.
struct ModelShape {
  std::size_t batch = 1;             // rows of a training step
  std::size_t evaluation_batch = 1;  // rows of a forward pass without training
  std::size_t features = 1;
  std::optional<ImageShape> image;  // what the features are, where convolutions need to know
  std::size_t classes = 2;          // 1 in a regression
  std::vector<Layer> layers;        // none: softmax regression
  bool keeps_gradients = false;     // all at once, as their norm is needed before an update
  bool keeps_average = false;       // of each weight, over the steps
  LossKind loss = LossKind::kCrossEntropy;
  Precision precision = Precision::kFloat32;
  bool orthogonalises = false;  // hidden matrices, for muon; gradients are kept
  bool is_of_gpu = false;       // no kernels of the CPU's library; narrow attention is fused
  bool is_clipped = false;      // of a GPU, where all are kept: wanted whole, by norm or muon
  bool finishes_apart = false;  // of a GPU: what follows a product is a kernel of its own
  int state_tensors = 0;        // 0, 1 or 2 that the optimizer keeps beside each weight

  bool operator==(const ModelShape&) const = default;
};

struct Model {
  ModelShape shape;
  LaneLayout layout;
  std::size_t state_floats = 0;  // the first so many of a lane are what a checkpoint holds
  Tensor input;                  // [rows, features]
  std::vector<Stage> stages;
  std::size_t targets = 1;  // labels of a sample: the length of a text
  Tensor logits;  // [rows * targets, classes]; a training step's loss turns them into its gradient
};

// Lays out weights and optimizer state first, then activations and gradients. Throws Error naming
// the layer for shapes that do not fit.
[[nodiscard]] Model BuildModel(const ModelShape& shape);

}  // namespace ddl
