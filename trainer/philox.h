// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), written so
// that sixteen blocks are computed side by side: the random numbers of dropout and initial weights.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/clones.h"
#include "trainer/tensor.h"

namespace ddl {

struct PhiloxWords {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
};

struct PhiloxKey {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
};

DDL_INLINE PhiloxWords Philox(PhiloxWords w, PhiloxKey key) {
#if defined(__CUDA_ARCH__)
#pragma unroll
#elif !defined(__CUDACC__)
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_a = std::uint64_t{0xD2511F53U} * w.a;
    const std::uint64_t product_c = std::uint64_t{0xCD9E8D57U} * w.c;
    w = {static_cast<std::uint32_t>(product_c >> 32U) ^ w.b ^ key.low,
         static_cast<std::uint32_t>(product_c),
         static_cast<std::uint32_t>(product_a >> 32U) ^ w.d ^ key.high,
         static_cast<std::uint32_t>(product_a)};
    key.low += 0x9E3779B9U;
    key.high += 0xBB67AE85U;
  }
  return w;
}

// What a matrix of random numbers is for; numbers of different places never meet.
struct RandomPlace {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t purpose = 0;  // and layer
};

// Sixty-four columns are drawn at a time: word j of block i belongs to column 16 j + i of the
// group.
inline constexpr std::size_t kRandomGroup = 4 * kFloatsPerLine;

// words[64]: the numbers of columns first_col, … of a row; first_col is a multiple of 64. Each
// depends on (place, row, column) alone.
DDL_INLINE void DrawGroup(const RandomPlace& place, std::size_t row, std::size_t first_col,
                          std::uint32_t* words) {
  const PhiloxKey key{static_cast<std::uint32_t>(place.seed),
                      static_cast<std::uint32_t>(place.seed >> 32U)};
  const auto first_block = static_cast<std::uint32_t>(first_col / 4);
  for (std::size_t i = 0; i < kFloatsPerLine; ++i) {
    const PhiloxWords drawn = Philox({first_block + static_cast<std::uint32_t>(i),
                                      static_cast<std::uint32_t>(row), place.step, place.purpose},
                                     key);
    words[i] = drawn.a;
    words[kFloatsPerLine + i] = drawn.b;
    words[2 * kFloatsPerLine + i] = drawn.c;
    words[3 * kFloatsPerLine + i] = drawn.d;
  }
}

}  // namespace ddl
