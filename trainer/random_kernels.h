// SPDX-License-Identifier: Apache-2.0
// Matrices of random numbers. The number at (row, column) depends on the place and on row and
// column alone: not on widths, lanes or what was drawn before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/philox.h"
#include "trainer/tensor.h"

namespace ddl {

// values[rows, stride] uniform in [-bound, bound); padding columns stay untouched.
void DrawUniform(const RandomPlace& place, const Tensor& shape, float bound, float* values);

// What a word of 32 bits makes of its number.
struct DropoutRule {
  std::uint32_t dropped_below = 0;
  float kept_factor = 1.0F;  // of the others: 1 / (1 - rate)

  [[nodiscard]] DDL_INLINE float FactorOf(std::uint32_t word) const {
    return word < dropped_below ? 0.0F : kept_factor;
  }
};

// `rate` is in [0, 1).
[[nodiscard]] DropoutRule DropoutRuleOf(double rate);

// A dropout mask: 0 with probability `rate`, which is in [0, 1), else 1 / (1 - rate). Fills the
// first `rows` rows.
void DrawMask(const RandomPlace& place, std::size_t rows, std::size_t stride, double rate,
              float* mask);

// output = input * mask; output may be input.
void MultiplyElements(std::size_t count, const float* input, const float* mask, float* output);

}  // namespace ddl
