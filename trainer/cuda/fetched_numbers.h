// SPDX-License-Identifier: Apache-2.0
// Numbers on their way from memory to where a product takes them: four floats, or, of a product in
// bfloat16, eight floats or eight bfloat16 as they lie. They are not looked at before they are put
// into shared memory, so that nothing waits for them.
#pragma once

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

[[nodiscard]] DDL_INLINE const std::byte* NumberAt(const float* numbers, std::size_t index,
                                                   bool is_bfloat16) {
  return reinterpret_cast<const std::byte*>(numbers) + (index << (is_bfloat16 ? 1U : 2U));
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

// A byte for each of so many numbers, side by side.
template <std::uint32_t kCount>
struct BytesOfNumbers {
  alignas(kCount) std::uint32_t words[kCount / 4];

  // The sign of each byte tells whether it is not `value`.
  [[nodiscard]] DDL_INLINE std::uint32_t AreNot(std::uint32_t value, std::uint32_t word) const {
    constexpr std::uint32_t kLow = 0x7F7F7F7FU;
    const std::uint32_t bytes = words[word] ^ value * 0x01010101U;
    return ((bytes & kLow) + kLow) | bytes;
  }
};

struct FetchedFour {
  static constexpr std::uint32_t kCount = 4;
  static constexpr bool kMayBeBfloat16 = false;

  FourFloats floats;

  // From an address on that is theirs.
  [[nodiscard]] DDL_INLINE static FetchedFour All(const std::byte* at, bool /*is_bfloat16*/) {
    return {*reinterpret_cast<const FourFloats*>(at)};
  }
  // A number by itself becomes the `place`-th, which was zero.
  DDL_INLINE void Take(std::uint32_t place, const std::byte* at, bool /*is_bfloat16*/) {
    floats.at[place] = *reinterpret_cast<const float*>(at);
  }
  [[nodiscard]] DDL_INLINE float At(std::uint32_t place, bool /*is_bfloat16*/) const {
    return floats.at[place];
  }
  // Leaves zero of those whose byte is not `value`.
  DDL_INLINE void KeepWhere(const BytesOfNumbers<kCount>& bytes, std::uint32_t value) {
    const std::uint32_t signs = bytes.AreNot(value, 0);
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kCount; ++i) {
      const std::uint32_t lost = PickedBytes(signs, 0, 0x8888U + 0x1111U * i);
      floats.at[i] = __builtin_bit_cast(float, BitsOf(floats.at[i]) & ~lost);
    }
  }
};

struct FetchedEight {
  static constexpr std::uint32_t kCount = 8;
  static constexpr bool kMayBeBfloat16 = true;

  FourFloats halves[2];  // of bfloat16 all eight are in the first one, two to a word

  [[nodiscard]] DDL_INLINE static FetchedEight All(const std::byte* at, bool is_bfloat16) {
    const auto* fours = reinterpret_cast<const FourFloats*>(at);
    if (is_bfloat16) return {{fours[0], {}}};
    return {{fours[0], fours[1]}};
  }
  DDL_INLINE void Take(std::uint32_t place, const std::byte* at, bool is_bfloat16) {
    if (!is_bfloat16) {
      halves[place / 4].at[place % 4] = *reinterpret_cast<const float*>(at);
      return;
    }
    const std::uint32_t bits = *reinterpret_cast<const std::uint16_t*>(at);
    float& word = halves[0].at[place / 2];
    word = __builtin_bit_cast(float, BitsOf(word) | bits << 16 * (place % 2));
  }
  [[nodiscard]] DDL_INLINE float At(std::uint32_t place, bool is_bfloat16) const {
    if (!is_bfloat16) return halves[place / 4].at[place % 4];
    const float pair = halves[0].at[place / 2];
    return place % 2 == 0 ? LowOf(pair) : HighOf(pair);
  }
  // Of bfloat16.
  DDL_INLINE void KeepWhere(const BytesOfNumbers<kCount>& bytes, std::uint32_t value) {
    const std::uint32_t signs[] = {bytes.AreNot(value, 0), bytes.AreNot(value, 1)};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kCount / 2; ++i) {
      const std::uint32_t lost = PickedBytes(signs[i / 2], 0, 0x9988U + 0x2222U * (i % 2));
      float& word = halves[0].at[i];
      word = __builtin_bit_cast(float, BitsOf(word) & ~lost);
    }
  }
  // All of them in bfloat16.
  [[nodiscard]] DDL_INLINE FourFloats Rounded(bool is_bfloat16) const {
    if (is_bfloat16) return halves[0];
    FourFloats words;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kCount / 2; ++i) {
      const float* pair = halves[i / 2].at + std::size_t{2} * (i % 2);
      words.at[i] = RoundedPair(pair[0], pair[1]);
    }
    return words;
  }
};

// The first `count` of them, the others zero.
template <class Numbers>
[[nodiscard]] DDL_INLINE Numbers FetchFirst(std::uint32_t count, const std::byte* at,
                                            bool is_bfloat16) {
  Numbers numbers{};
  DDL_UNROLL
  for (std::uint32_t i = 0; i < Numbers::kCount; ++i) {
    if (i < count) numbers.Take(i, at + (i << (is_bfloat16 ? 1U : 2U)), is_bfloat16);
  }
  return numbers;
}

}  // namespace ddl
