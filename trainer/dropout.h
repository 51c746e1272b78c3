// SPDX-License-Identifier: Apache-2.0
// The dropout stage behind a hidden layer: each number is kept with probability 1 - rate and then
// divided by it. Works on one lane, as the dense stage does.
#pragma once

#include <cstddef>

#include "trainer/philox.h"
#include "trainer/tensor.h"

namespace ddl {

struct DropoutStage {
  Tensor input;     // [batch, width]
  Tensor mask;      // [batch, width]: kept for the way back
  Tensor output;    // [batch, width]: apart from input, which the activation's backward reads
  Tensor gradient;  // [batch, width]: of the output, then, in place, of the input
};

// Draws a mask and applies it to the first `rows` rows.
void DropoutForward(const DropoutStage& stage, float* lane, std::size_t rows,
                    const RandomPlace& place, double rate);

// Applies the same mask to the gradient.
void DropoutBackward(const DropoutStage& stage, float* lane, std::size_t rows);

}  // namespace ddl
