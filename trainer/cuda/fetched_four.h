// SPDX-License-Identifier: Apache-2.0
// Four numbers on their way from memory to where a product takes them: floats, or four bfloat16 as
// they lie, two words in the place of the first two floats. They are not looked at before they are
// put into shared memory, so that nothing waits for them.
#pragma once

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

[[nodiscard]] DDL_INLINE const std::byte* NumberAt(const float* numbers, std::size_t index,
                                                   bool is_bfloat16) {
  return reinterpret_cast<const std::byte*>(numbers) + (index << (is_bfloat16 ? 1U : 2U));
}

// From a number on whose address is that of four floats, or of four bfloat16.
[[nodiscard]] DDL_INLINE FourFloats FetchFour(const std::byte* at, bool is_bfloat16) {
  if (!is_bfloat16) return *reinterpret_cast<const FourFloats*>(at);
  const auto stored = *reinterpret_cast<const FourBfloat16*>(at);
  return {{__builtin_bit_cast(float, stored.words[0]), __builtin_bit_cast(float, stored.words[1])}};
}

// A number by itself becomes the `place`-th of four that were zero.
DDL_INLINE void FetchInto(FourFloats& four, std::uint32_t place, const std::byte* at,
                          bool is_bfloat16) {
  if (!is_bfloat16) {
    four.at[place] = *reinterpret_cast<const float*>(at);
    return;
  }
  const std::uint32_t bits = *reinterpret_cast<const std::uint16_t*>(at);
  float& word = four.at[place / 2];
  word = __builtin_bit_cast(float, BitsOf(word) | bits << 16 * (place % 2));
}

// The first `count` of four, the others zero.
[[nodiscard]] DDL_INLINE FourFloats FetchFirst(std::uint32_t count, const std::byte* at,
                                               bool is_bfloat16) {
  FourFloats four{};
  DDL_UNROLL
  for (std::uint32_t i = 0; i < kFour; ++i) {
    if (i < count) FetchInto(four, i, at + (i << (is_bfloat16 ? 1U : 2U)), is_bfloat16);
  }
  return four;
}

// Leaves zero of those whose byte is not.
DDL_INLINE void KeepWhereZero(FourFloats& four, std::uint32_t bytes, bool is_bfloat16) {
  DDL_UNROLL
  for (std::uint32_t i = 0; i < kFour; ++i) {
    const bool is_kept = (bytes >> 8 * i & 0xFFU) == 0;
    float& word = four.at[is_bfloat16 ? i / 2 : i];
    const std::uint32_t lost = i % 2 == 0 ? 0xFFFFU : 0xFFFF0000U;
    word = is_bfloat16 ? __builtin_bit_cast(float, BitsOf(word) & (is_kept ? ~0U : ~lost))
                       : (is_kept ? word : 0.0F);
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
