// SPDX-License-Identifier: Apache-2.0
// How a float is rounded to bfloat16, for processors and GPUs alike.
#pragma once

#include <bit>
#include <cstdint>

#include "trainer/clones.h"

namespace ddl {

DDL_INLINE std::uint16_t Bfloat16Bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t to_even = 0x7FFFU + ((bits >> 16U) & 1U);
  const std::uint32_t quiet = 0x400000U;  // a NaN whose payload lies in the lower half stays one
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return static_cast<std::uint16_t>((is_nan ? bits | quiet : bits + to_even) >> 16U);
}

}  // namespace ddl
