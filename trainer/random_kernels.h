// SPDX-License-Identifier: Apache-2.0
// Matrices of random numbers. The number at (row, column) depends on the place and on row and
// column alone: not on widths, lanes or what was drawn before.
#pragma once

#include <cstddef>

#include "trainer/philox.h"
#include "trainer/tensor.h"

namespace ddl {

// values[rows, stride] uniform in [-bound, bound); padding columns stay untouched.
void DrawUniform(const RandomPlace& place, const Tensor& shape, float bound, float* values);

// A dropout mask: 0 with probability `rate`, which is in [0, 1), else 1 / (1 - rate). Fills the
// first `rows` rows.
void DrawMask(const RandomPlace& place, std::size_t rows, std::size_t stride, double rate,
              float* mask);

// output = input * mask; output may be input.
void MultiplyElements(std::size_t count, const float* input, const float* mask, float* output);

}  // namespace ddl
