// SPDX-License-Identifier: Apache-2.0
// A model as the operations of a training step, and of a forward pass, over lanes in the memory of
// a device: the GPU's counterpart of trainer/plan.cc. Layout, order and arithmetic are those of the
// CPU's plan, so that a lane's state is the same floats at the same places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "trainer/cuda/operation.h"
#include "trainer/model.h"

namespace ddl {

// Where all that a program touches lies in the memory of the device.
struct GpuPlaces {
  StepBoard board;
  LaneFloats arena;
  std::variant<StoredRows<std::uint8_t>, StoredRows<float>> data;
  std::int32_t* labels = nullptr;  // [lanes, rows of a pass at most]
  RowWorth* worth = nullptr;       // the same
  const UpdatePart* parts = nullptr;
};

// Rows of the larger of both passes: the second dimension of labels, worth and order.
[[nodiscard]] std::size_t PassRows(const ModelShape& shape);

// Throws Error naming what of a shape no GPU trains: all but dense layers and dropout in float32
// under cross-entropy, without clipping and muon.
void CheckGpuShape(const ModelShape& shape);

// The shape as a GPU lays it out: products write whole gradients.
[[nodiscard]] ModelShape GpuShape(ModelShape shape);

// What the update's blocks move, for a model of GpuShape.
[[nodiscard]] std::vector<UpdatePart> UpdateParts(const Model& model);

// Of one step of every lane: gather, forward, loss, backward, update.
[[nodiscard]] std::vector<Operation> TrainingOperations(const Model& model, const GpuPlaces& places,
                                                        ProductPrecision precision);

// Of one forward pass of every lane, on averaged weights where they are kept. Dropout layers are
// part of it: their factors come from the steps' tables, and are one.
[[nodiscard]] std::vector<Operation> EvaluationOperations(const Model& model,
                                                          const GpuPlaces& places,
                                                          ProductPrecision precision);

}  // namespace ddl
