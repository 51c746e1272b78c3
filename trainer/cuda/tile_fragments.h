// SPDX-License-Identifier: Apache-2.0
// How the 32 threads of a warp share a product of 16 x 8 numbers: the layout of PTX's mma
// instructions (PTX ISA, "Matrix fragments for mma").
#pragma once

#include <cstdint>

#include "trainer/cuda/lane_numbers.h"

namespace ddl {

inline constexpr std::uint32_t kTileSide = 64;
// Words from one row to the next: 8 more than a tile's side, so that the threads of a warp read
// from different banks.
inline constexpr std::uint32_t kTilePitch = kTileSide + 8;

// Of a thread in its warp: the rows `row` and `row` + 8 and the columns `col` and `col` + 1 of a
// result are its own.
struct FragmentPlace {
  std::uint32_t row = 0;    // 0 to 7
  std::uint32_t inner = 0;  // 0 to 3
  std::uint32_t col = 0;    // 0, 2, 4 or 6

  DDL_INLINE explicit FragmentPlace(std::uint32_t lane)
      : row(lane / 4), inner(lane % 4), col(lane % 4 * 2) {}
};

// Four numbers of a thread, in the order of a result: (row, col), (row, col + 1), (row + 8, col),
// (row + 8, col + 1).
struct FourSums {
  float at[4];
};
// What a thread has of the left factor, 16 x 8 or (two to a word) 16 x 16, and of the right one,
// 8 x 8 or 16 x 8.
struct LeftFragment {
  std::uint32_t at[4];
};
struct RightFragment {
  std::uint32_t at[2];
};

// So many bytes further.
[[nodiscard]] DDL_INLINE float* PlaceIn(float* first, std::uint32_t bytes) {
  return reinterpret_cast<float*>(reinterpret_cast<std::byte*>(first) + bytes);
}
[[nodiscard]] DDL_INLINE const float* PlaceIn(const float* first, std::uint32_t bytes) {
  return reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(first) + bytes);
}

// Of eight numbers of TensorFloat-32 (m16n8k8), which lie in shared memory in a row for each number
// of the inner dimension: what a thread takes from its own row and number on.
[[nodiscard]] DDL_INLINE LeftFragment LeftOfEight(const float* own) {
  const float* far = own + 4 * kTilePitch;
  return {{BitsOf(own[0]), BitsOf(own[8]), BitsOf(far[0]), BitsOf(far[8])}};
}
[[nodiscard]] DDL_INLINE RightFragment RightOfEight(const float* own) {
  return {{BitsOf(own[0]), BitsOf(own[4 * kTilePitch])}};
}

#if defined(__CUDA_ARCH__)
// Four matrices of 8 x 8 numbers in bfloat16 from shared memory (PTX ISA, "ldmatrix"), turned round
// or as they lie: each thread names a row of one of them, `kFurther` bytes behind `near`.
template <bool kIsTurned, std::uint32_t kFurther = 0>
[[nodiscard]] __device__ __forceinline__ LeftFragment FourMatrices(const float* near) {
  const auto at = static_cast<std::uint32_t>(__cvta_generic_to_shared(near));
  LeftFragment words;
  if constexpr (kIsTurned) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4+%5];"
                 : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
                 : "r"(at), "n"(kFurther));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4+%5];"
                 : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
                 : "r"(at), "n"(kFurther));
  }
  return words;
}
// sums += left right, by a tensor core.
__device__ __forceinline__ void MultiplyEight(FourSums& sums, const LeftFragment& left,
                                              const RightFragment& right) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sums.at[0]), "+f"(sums.at[1]), "+f"(sums.at[2]), "+f"(sums.at[3])
      : "r"(left.at[0]), "r"(left.at[1]), "r"(left.at[2]), "r"(left.at[3]), "r"(right.at[0]),
        "r"(right.at[1]));
}
__device__ __forceinline__ void MultiplySixteen(FourSums& sums, const LeftFragment& left,
                                                const RightFragment& right) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sums.at[0]), "+f"(sums.at[1]), "+f"(sums.at[2]), "+f"(sums.at[3])
      : "r"(left.at[0]), "r"(left.at[1]), "r"(left.at[2]), "r"(left.at[3]), "r"(right.at[0]),
        "r"(right.at[1]));
}
#endif

// To TensorFloat-32, ten bits of mantissa: nearest, ties away from zero, as cvt.rna does.
[[nodiscard]] DDL_INLINE float RoundedToTensorFloat(float value) {
#if defined(__CUDA_ARCH__)
  std::uint32_t bits = 0;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return __uint_as_float(bits);
#else
  const std::uint32_t bits = BitsOf(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return value;  // a NaN stays one
  return __builtin_bit_cast(float, (bits + 0x1000U) & 0xFFFFE000U);
#endif
}

}  // namespace ddl
