// SPDX-License-Identifier: Apache-2.0
#include "trainer/random_kernels.h"

#include <cassert>
#include <cstdint>

#include "trainer/clones.h"

namespace ddl {

namespace {

// Calls value(word) for each of the first `cols` columns of every row.
template <class Function>
DDL_INLINE void ForEachNumber(const RandomPlace& place, const Tensor& shape, float* values,
                              Function value) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    float* line = values + row * shape.Stride();
    for (std::size_t start = 0; start < shape.cols; start += kRandomGroup) {
      std::uint32_t words[kRandomGroup];
      DrawGroup(place, row, start, words);
      const std::size_t left = shape.cols - start;
      const std::size_t count = left < kRandomGroup ? left : kRandomGroup;
      for (std::size_t i = 0; i < count; ++i) {
        line[start + i] = value(words[i]);
      }
    }
  }
}

}  // namespace

// The upper 24 bits are a float without rounding.
DDL_CLONES void DrawUniform(const RandomPlace& place, const Tensor& shape, float bound,
                            float* values) {
  constexpr float kStep = 1.0F / 8388608.0F;  // 2^-23: 24 bits over a range of two
  ForEachNumber(place, shape, values, [bound](std::uint32_t word) {
    const auto bits = static_cast<std::int32_t>(word >> 8U) - 8388608;
    return bound * (static_cast<float>(bits) * kStep);
  });
}

DropoutRule DropoutRuleOf(double rate) {
  assert(rate >= 0.0 && rate < 1.0);
  constexpr double kTwoTo32 = 4294967296.0;
  return {.dropped_below = static_cast<std::uint32_t>(rate * kTwoTo32),
          .kept_factor = static_cast<float>(1.0 / (1.0 - rate))};
}

DDL_CLONES void DrawMask(const RandomPlace& place, std::size_t rows, std::size_t stride,
                         double rate, float* mask) {
  const DropoutRule rule = DropoutRuleOf(rate);
  ForEachNumber(place, {.rows = rows, .cols = stride}, mask,
                [rule](std::uint32_t word) { return rule.FactorOf(word); });
}

DDL_CLONES void MultiplyElements(std::size_t count, const float* input, const float* mask,
                                 float* output) {
#pragma GCC ivdep  // output is input or lies apart from it
  for (std::size_t i = 0; i < count; ++i) {
    output[i] = input[i] * mask[i];
  }
}

}  // namespace ddl
