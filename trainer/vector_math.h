// SPDX-License-Identifier: Apache-2.0
// Elementary functions without branches or tables, so that loops over them become vector code.
// Accurate to about 2 units in the last place unless said otherwise; NaN in, NaN out.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "trainer/clones.h"

namespace ddl {

// e^x; arguments are limited to [-87, 88], where the result is a normal float.
DDL_INLINE float VectorExp(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;  // ln 2 in two parts (Cephes)
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float mantissa = p * r * r + r + 1.0F;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) - 0x4B400000U + 127U)
                                 << 23U;
  return mantissa * std::bit_cast<float>(exponent);
}

// tanh x. Odd polynomial near zero (Cephes), through the exponential elsewhere.
DDL_INLINE float VectorTanh(float x) {
  const float magnitude = std::fabs(x);
  const float z = x * x;
  float p = -5.70498872745e-3F;
  p = p * z + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const float near_zero = p * z * x + x;
  const float far = std::copysign(1.0F - 2.0F / (VectorExp(2.0F * magnitude) + 1.0F), x);
  return magnitude < 0.625F ? near_zero : far;
}

// The normal distribution function, to an absolute 2e-7 (Abramowitz and Stegun, 7.1.26).
DDL_INLINE float VectorNormalCdf(float x) {
  const float t = 1.0F / (1.0F + 0.3275911F * 0.70710678F * std::fabs(x));
  float p = 1.061405429F;
  p = p * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const float tail = 0.5F * p * t * VectorExp(-0.5F * x * x);
  return x < 0.0F ? tail : 1.0F - tail;
}

// The normal density.
DDL_INLINE float VectorNormalDensity(float x) {
  return 0.39894228F * VectorExp(-0.5F * x * x);
}

}  // namespace ddl
