// SPDX-License-Identifier: Apache-2.0
// Four numbers on their way from memory to where a product takes them: floats, or four bfloat16 as
// they lie, two words in the place of the first two floats. They are not looked at before they are
// put into shared memory, so that nothing waits for them.
#pragma once

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

// From a number on whose address is that of four floats, or of four bfloat16.
[[nodiscard]] DDL_INLINE FourFloats FetchFour(const float* matrix, std::size_t index,
                                              bool is_bfloat16) {
  if (!is_bfloat16) return *reinterpret_cast<const FourFloats*>(matrix + index);
  const auto stored = *reinterpret_cast<const FourBfloat16*>(matrix + index / 2);
  return {{__builtin_bit_cast(float, stored.words[0]), __builtin_bit_cast(float, stored.words[1])}};
}

// A number by itself becomes the `place`-th of four that were zero.
DDL_INLINE void FetchInto(FourFloats& four, std::uint32_t place, const float* matrix,
                          std::size_t index, bool is_bfloat16) {
  if (!is_bfloat16) {
    four.at[place] = matrix[index];
    return;
  }
  const std::uint32_t bits = reinterpret_cast<const std::uint16_t*>(matrix)[index];
  float& word = four.at[place / 2];
  word = __builtin_bit_cast(float, BitsOf(word) | bits << 16 * (place % 2));
}

// Leaves zero of those whose bit is not set.
DDL_INLINE void KeepOnly(FourFloats& four, std::uint32_t kept, bool is_bfloat16) {
  DDL_UNROLL
  for (std::uint32_t i = 0; i < kFour; ++i) {
    if ((kept >> i & 1U) != 0) continue;
    if (is_bfloat16) {
      float& word = four.at[i / 2];
      word = __builtin_bit_cast(float, BitsOf(word) & (i % 2 == 0 ? 0xFFFF0000U : 0xFFFFU));
    } else {
      four.at[i] = 0.0F;
    }
  }
}

// The first two numbers, or the others, in a word.
[[nodiscard]] DDL_INLINE float PairAlong(const FourFloats& four, std::uint32_t pair,
                                         bool is_bfloat16) {
  return is_bfloat16 ? four.at[pair] : RoundedPair(four.at[2 * pair], four.at[2 * pair + 1]);
}
// The `place`-th of one four, and that of another.
[[nodiscard]] DDL_INLINE float PairAcross(const FourFloats& one, const FourFloats& other,
                                          std::uint32_t place, bool is_bfloat16) {
  if (!is_bfloat16) return RoundedPair(one.at[place], other.at[place]);
  const std::uint32_t low = BitsOf(one.at[place / 2]);
  const std::uint32_t high = BitsOf(other.at[place / 2]);
  const std::uint32_t pair =
      place % 2 == 0 ? (low & 0xFFFFU) | high << 16U : low >> 16U | (high & 0xFFFF0000U);
  return __builtin_bit_cast(float, pair);
}

}  // namespace ddl
