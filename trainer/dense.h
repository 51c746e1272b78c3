// SPDX-License-Identifier: Apache-2.0
// A dense layer with its bias and activation: y = f(x w + b), and the hand-written way back. All
// functions work on one lane; a lane is the start of its block in the arena.
#pragma once

#include <cstddef>

#include "trainer/activation_kernels.h"
#include "trainer/tensor.h"
#include "trainer/update_kernels.h"

namespace ddl {

// A trained tensor with what the optimizer keeps beside it (empty where it keeps nothing).
struct Parameter {
  Tensor value;
  Tensor first;
  Tensor second;
  Tensor gradient;  // the whole, or only a strip of rows when the update follows at once
};

struct DenseStage {
  Activation activation = Activation::kIdentity;
  Tensor input;            // [batch, inputs]
  Tensor pre;              // [batch, outputs]: x w + b; the same place as output unless kGelu
  Tensor output;           // [batch, outputs]
  Tensor output_gradient;  // [batch, outputs]
  Tensor input_gradient;   // [batch, inputs]; empty for the first layer, whose input is data
  Parameter weight;        // [inputs, outputs]
  Parameter bias;          // [1, outputs]
};

// Fills output (and pre) for the first `rows` rows of input.
void DenseForward(const DenseStage& stage, float* lane, std::size_t rows);

// From the gradient of the output: through the activation (in place), to the bias, to the input.
void DenseBackward(const DenseStage& stage, float* lane, std::size_t rows);

// weight.gradient = x^T dz, after DenseBackward. Needs room for the whole gradient.
void DenseWeightGradient(const DenseStage& stage, float* lane, std::size_t rows);

// The same strip by strip, each followed by its update while it is still in the cache; then the
// bias. Saves a write and a read of the gradient. Comes after DenseBackward, which needs the old
// weights.
void DenseFusedUpdate(const DenseStage& stage, float* lane, std::size_t rows,
                      const UpdateRule& rule);

// Moves weight and bias along gradients that stand in full.
void DenseUpdate(const DenseStage& stage, float* lane, const UpdateRule& rule);

// Rows of a weight gradient that make one strip: at most 128 KiB, so that strip, weights and
// moments pass through a 512 KiB cache together.
[[nodiscard]] std::size_t StripRows(std::size_t inputs, std::size_t outputs);

}  // namespace ddl
