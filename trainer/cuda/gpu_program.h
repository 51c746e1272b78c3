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

using StoredData = std::variant<StoredRows<std::uint8_t>, StoredRows<float>>;

// Where all that a program touches lies in the memory of the device.
struct GpuPlaces {
  StepBoard board;
  LaneFloats arena;
  StoredData data;
  LaneScales scales;
  bool is_text = false;            // the data are one run of tokens
  std::int32_t* labels = nullptr;  // [lanes, LabelRows]
  RowWorth* worth = nullptr;       // the same
  const UpdatePart* parts = nullptr;
  double* squares = nullptr;  // [lanes, parts]; null, as clips, where no lane clips its gradient
  float* clips = nullptr;     // [lanes]: factors of gradients
  KeptLogits kept;
  ImageChanges changes = {};  // of training images
};

// Samples of the larger of both passes: the second dimension of order.
[[nodiscard]] std::size_t PassRows(const ModelShape& shape);

// Their labels: the second dimension of labels and worth.
[[nodiscard]] std::size_t LabelRows(const Model& model);

// Floats of the logits of a forward pass, padding included.
[[nodiscard]] std::size_t LogitFloats(const Model& model);
// Evaluation steps of a stretch whose logits are kept: one at least, and no more than a few MiB.
[[nodiscard]] std::size_t KeptSteps(const Model& model, std::size_t stretch);

// The shape as a GPU lays it out: products write whole gradients, and kernels of the CPU's library
// are not made.
[[nodiscard]] ModelShape GpuShape(ModelShape shape);

// Where a pooling layer keeps whose its maxima were.
struct KeptHeirs {
  std::size_t output = 0;  // where the layer's output begins
  std::size_t bytes = 0;   // in floats from the lane's start
};

// What a lane has behind the CPU's layout, in floats from its start: one place for all stages, one
// after the other.
struct GpuScratch {
  std::size_t squares = 0;        // gradients of attention's scores
  std::size_t column_parts = 0;   // column sums of slices of rows
  std::size_t product_parts = 0;  // sums of slices of a product's inner dimension
  std::size_t inverse_norm = 0;   // of a matrix that muon moves
  std::vector<KeptHeirs> heirs;   // of each layer its own, from its forward to its backward pass
  std::size_t end = 0;            // where the next lane begins
};

[[nodiscard]] GpuScratch ScratchBehind(const Model& model);

// True where a convolution stores nothing but the maxima of 2 x 2 that follow it. Their slopes come
// from their own values, which gelu's do not.
[[nodiscard]] bool PoolsInProduct(const ConvStage& stage);
// Of places in squares of 2 x 2: the squares.
[[nodiscard]] ImageSize Pooled(const ImageSize& places);
// Places of a sample that a convolution's products look at: those that are pooled, or all.
[[nodiscard]] std::size_t WindowPlaces(const ConvStage& stage);

// How the gradient of a convolution's weights, and the outputs of a dense layer of few rows, are
// split among blocks: by the shapes of one lane alone, so that no sum depends on how many run.
[[nodiscard]] TileSlices GradientSlices(const Model& model, const ConvStage& stage);
[[nodiscard]] TileSlices OutputSlices(const DenseStage& stage, std::size_t rows);

// True where a dense layer's products are of few rows, so that what else is done to their results
// is most of what is read and written: then products in tiles do it (bias and activation, and the
// update of weights). Of many rows a library's product is taken to be faster.
[[nodiscard]] bool IsOfFewRows(const Model& model, std::size_t rows);
[[nodiscard]] bool MovesInProduct(const Model& model, const DenseStage& stage);

// A run of the parts that UpdateParts tells.
struct PartRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// What is moved once all gradients are there, for a model of GpuShape: the parts of whatever no
// product moves, matrices that muon moves last.
[[nodiscard]] std::vector<UpdatePart> UpdateParts(const Model& model);
// Of those the ones that the optimizer's own rule moves, and each of muon's matrices.
[[nodiscard]] PartRange RuleParts(const Model& model);
struct MatrixPart {
  const ModelParameter* parameter = nullptr;  // of the model
  PartRange parts;
};
[[nodiscard]] std::vector<MatrixPart> MatrixParts(const Model& model);

// Of one step of every lane: gather, forward, loss, backward, update.
[[nodiscard]] std::vector<Operation> TrainingOperations(const Model& model, const GpuPlaces& places,
                                                        ProductPrecision precision);

// Of one forward pass of every lane, on averaged weights where they are kept. Dropout layers are
// part of it: their factors come from the steps' tables, and are one.
[[nodiscard]] std::vector<Operation> EvaluationOperations(const Model& model,
                                                          const GpuPlaces& places,
                                                          ProductPrecision precision);

}  // namespace ddl
