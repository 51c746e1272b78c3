// SPDX-License-Identifier: Apache-2.0
// A dense layer with its bias and activation: y = f(x w + b), and the hand-written way back.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "trainer/activation_kernels.h"
#include "trainer/bfloat16_gemm.h"
#include "trainer/parameter.h"

namespace ddl {

// What a stage multiplies where the precision is bfloat16: copies, made when they are needed.
struct DenseCopies {
  Tensor input;  // empty, as all others, where the original is of bfloat16
  Tensor weight;
  Tensor bias;      // where pre is of bfloat16: on a GPU
  Tensor gradient;  // of pre
  std::shared_ptr<Bfloat16Gemm> products;
};

struct DenseStage {
  static constexpr const char* kName = "dense";
  Activation activation = Activation::kIdentity;
  Flow input;
  Tensor pre;  // x w + b; the same place as the output's values unless kGelu
  Flow output;
  ModelParameter weight;  // [inputs, outputs]
  ModelParameter bias;    // [1, outputs]
  DenseCopies copies;     // no products: float32

  [[nodiscard]] std::array<const ModelParameter*, 2> Parameters() const { return {&weight, &bias}; }
  // Of the matrix products of one training step with so many samples; padding not counted.
  [[nodiscard]] double StepFlops(std::size_t samples) const;
};

// Fills output (and pre).
void Forward(const DenseStage& stage, const LaneRun& run);

// From the gradient of the output: through the activation (in place), to the bias, to the input.
void Backward(const DenseStage& stage, const LaneRun& run);

// weight.gradient = x^T dz, after Backward. Needs room for the whole gradient.
void WeightGradient(const DenseStage& stage, const LaneRun& run);

// The same strip by strip, each followed by its update while it is still in the cache; then the
// bias. Saves a write and a read of the gradient. Comes after Backward, which needs the old
// weights.
void FusedUpdate(const DenseStage& stage, const LaneRun& run);

// Floats of gradient that FusedUpdate needs at a time: at most 128 KiB, so that strip, weights and
// moments pass through a 512 KiB cache together.
[[nodiscard]] std::size_t StripFloats(const Tensor& weight);

}  // namespace ddl
