// SPDX-License-Identifier: Apache-2.0
// Numbers of a lane as they are stored: floats, or bfloat16, two in the place of a float. Whoever
// reads gets floats, and what is written is rounded. Which it is, is the same for all threads of a
// kernel.
#pragma once

#include "trainer/bfloat16_bits.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// Four bfloat16 side by side, two to a word: what lies first is the lower half.
struct alignas(8) FourBfloat16 {
  std::uint32_t words[2];
};

[[nodiscard]] DDL_INLINE std::uint32_t BitsOf(float value) {
  return __builtin_bit_cast(std::uint32_t, value);
}

// Two numbers in the place of a float, nearest bfloat16 of each, ties to even.
[[nodiscard]] DDL_INLINE float RoundedPair(float low, float high) {
#if defined(__CUDA_ARCH__)
  std::uint32_t pair = 0;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return __uint_as_float(pair);
#else
  return __builtin_bit_cast(
      float, std::uint32_t{Bfloat16Bits(high)} << 16U | std::uint32_t{Bfloat16Bits(low)});
#endif
}
[[nodiscard]] DDL_INLINE float LowOf(float pair) {
  return __builtin_bit_cast(float, BitsOf(pair) << 16U);
}
[[nodiscard]] DDL_INLINE float HighOf(float pair) {
  return __builtin_bit_cast(float, BitsOf(pair) & 0xFFFF0000U);
}

struct LaneNumbers {
  std::size_t offset = 0;  // in the lane, in floats
  bool is_bfloat16 = false;

  constexpr LaneNumbers() = default;
  // Floats from there on.
  constexpr LaneNumbers(std::size_t at) : offset(at) {}
  constexpr LaneNumbers(std::size_t at, bool are_rounded) : offset(at), is_bfloat16(are_rounded) {}

  bool operator==(const LaneNumbers&) const = default;

  [[nodiscard]] DDL_INLINE float At(const LaneFloats& arena, std::uint32_t lane,
                                    std::size_t index) const {
    const float* first = arena.At(lane, offset);
    if (!is_bfloat16) return first[index];
    const std::uint32_t bits = reinterpret_cast<const std::uint16_t*>(first)[index];
    return __builtin_bit_cast(float, bits << 16U);
  }
  DDL_INLINE void Put(const LaneFloats& arena, std::uint32_t lane, std::size_t index,
                      float value) const {
    float* first = arena.At(lane, offset);
    if (is_bfloat16) {
      const float pair = RoundedPair(value, 0.0F);
      reinterpret_cast<std::uint16_t*>(first)[index] = static_cast<std::uint16_t>(BitsOf(pair));
    } else {
      first[index] = value;
    }
  }

  // Of an even index.
  DDL_INLINE void PutTwo(const LaneFloats& arena, std::uint32_t lane, std::size_t index, float one,
                         float other) const {
    if (is_bfloat16) {
      *arena.At(lane, offset + index / 2) = RoundedPair(one, other);
    } else {
      StoreAtOnce(arena.At(lane, offset + index), TwoFloats{{one, other}});
    }
  }

  // Of an index that is a multiple of four.
  [[nodiscard]] DDL_INLINE FourFloats FourAt(const LaneFloats& arena, std::uint32_t lane,
                                             std::size_t index) const {
    if (!is_bfloat16) return *reinterpret_cast<const FourFloats*>(arena.At(lane, offset + index));
    const auto stored = *reinterpret_cast<const FourBfloat16*>(arena.At(lane, offset + index / 2));
    FourFloats four{};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      const auto pair = __builtin_bit_cast(float, stored.words[i]);
      four.at[2 * i] = LowOf(pair);
      four.at[2 * i + 1] = HighOf(pair);
    }
    return four;
  }
  DDL_INLINE void PutFour(const LaneFloats& arena, std::uint32_t lane, std::size_t index,
                          const FourFloats& four) const {
    if (!is_bfloat16) {
      StoreAtOnce(arena.At(lane, offset + index), four);
      return;
    }
    StoreAtOnce(
        arena.At(lane, offset + index / 2),
        TwoFloats{{RoundedPair(four.at[0], four.at[1]), RoundedPair(four.at[2], four.at[3])}});
  }
};

}  // namespace ddl
