// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "trainer/bfloat16.h"
#include "trainer/clones.h"

namespace ddl {

namespace {

DDL_INLINE std::uint16_t Rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t to_even = 0x7FFFU + ((bits >> 16U) & 1U);
  const std::uint32_t quiet = 0x400000U;  // a NaN whose payload lies in the lower half stays one
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return static_cast<std::uint16_t>((is_nan ? bits | quiet : bits + to_even) >> 16U);
}

}  // namespace

DDL_CLONES void RoundToBfloat16(std::size_t count, const float* __restrict from,
                                Bfloat16* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i].bits = Rounded(from[i]);
  }
}

}  // namespace ddl
