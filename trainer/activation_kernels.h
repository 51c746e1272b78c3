// SPDX-License-Identifier: Apache-2.0
// The element-wise half of a dense layer, fused: bias and activation forward, derivative and bias
// gradient backward. Every activation maps zero to zero, which keeps padding columns zero.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ddl {

enum class Activation : std::uint8_t {
  kIdentity,
  kRelu,
  kTanh,
  kGelu
};  // GELU by the normal distribution

// A row-major block of `rows` rows, `stride` floats each, padding included.
struct BlockShape {
  std::size_t rows = 0;
  std::size_t stride = 0;
};

// pre += bias; out = f(pre). `out` may be `pre`, but for kGelu, whose backward needs both.
void BiasActivate(Activation activation, BlockShape shape, const float* bias, float* pre,
                  float* out);

struct ActivationValues {
  const float* pre = nullptr;
  const float* out = nullptr;
};

// gradient *= f'(pre); bias_gradient += column sums of it, added from the first row to the last.
void ActivationGradient(Activation activation, BlockShape shape, ActivationValues values,
                        float* gradient, float* bias_gradient);

// sum += values.
void AddElements(std::size_t count, const float* values, float* sum);

}  // namespace ddl
