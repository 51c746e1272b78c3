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

// Four of eight bytes, those of `low` before those of `high`, as the hexadecimal digits of `picks`
// say, the last one first; 8 more: the sign of that byte, eight times.
[[nodiscard]] DDL_INLINE std::uint32_t PickedBytes(std::uint32_t low, std::uint32_t high,
                                                   std::uint32_t picks) {
#if defined(__CUDA_ARCH__)
  std::uint32_t bytes = 0;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(picks));
  return bytes;
#else
  std::uint32_t bytes = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t pick = picks >> 4 * i & 0xFU;
    const std::uint32_t byte = (pick % 8 < 4 ? low : high) >> 8 * (pick % 4) & 0xFFU;
    bytes |= (pick < 8 ? byte : (byte >= 0x80U ? 0xFFU : 0U)) << 8 * i;
  }
  return bytes;
#endif
}

// Leaves zero of those whose byte is not.
DDL_INLINE void KeepWhereZero(FourFloats& four, std::uint32_t bytes, bool is_bfloat16) {
  constexpr std::uint32_t kLow = 0x7F7F7F7FU;
  const std::uint32_t signs = ((bytes & kLow) + kLow) | bytes;  // of bytes that are not zero
  DDL_UNROLL
  for (std::uint32_t i = 0; i < kFour; ++i) {
    if (is_bfloat16 && i >= kFour / 2) return;
    const std::uint32_t lost =
        PickedBytes(signs, 0, is_bfloat16 ? 0x9988U + 0x2222U * i : 0x8888U + 0x1111U * i);
    four.at[i] = __builtin_bit_cast(float, BitsOf(four.at[i]) & ~lost);
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
  const std::uint32_t pair = PickedBytes(BitsOf(one.at[place / 2]), BitsOf(other.at[place / 2]),
                                         place % 2 == 0 ? 0x5410U : 0x7632U);
  return __builtin_bit_cast(float, pair);
}

}  // namespace ddl
