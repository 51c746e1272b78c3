// SPDX-License-Identifier: Apache-2.0
// Which probabilities of causal attention are dropped. A block of four random words belongs to the
// queries q and q + 8 and the keys k and k + 8, where neither q nor k has its bit of 8 set: what
// one thread of a GPU's warp has of a square, whether queries or keys are its rows. A word depends
// on (place, head, query, key) and on the text's length alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/philox.h"

namespace ddl {

inline constexpr std::uint32_t kMaskStep = 8;  // from a row or column of a block to the other

// Of q and q + 8, and of k and k + 8, the number among its like; and the first of two by it.
[[nodiscard]] DDL_INLINE std::uint32_t MaskPair(std::uint32_t first) {
  return first / (2 * kMaskStep) * kMaskStep + first % kMaskStep;
}
[[nodiscard]] DDL_INLINE std::uint32_t FirstOfMaskPair(std::uint32_t pair) {
  return pair / kMaskStep * (2 * kMaskStep) + pair % kMaskStep;
}
[[nodiscard]] DDL_INLINE std::uint32_t MaskPairs(std::uint32_t length) {
  return (length + 2 * kMaskStep - 1) / (2 * kMaskStep) * kMaskStep;
}

// Of a head among those of all samples: the words of (q, k), (q, k + 8), (q + 8, k) and
// (q + 8, k + 8).
[[nodiscard]] DDL_INLINE PhiloxWords DrawScores(const RandomPlace& place, std::uint32_t length,
                                                std::uint32_t head, std::uint32_t query_pair,
                                                std::uint32_t key_pair) {
  return Philox(
      {key_pair, head * MaskPairs(length) + query_pair, place.step, place.purpose},
      {static_cast<std::uint32_t>(place.seed), static_cast<std::uint32_t>(place.seed >> 32U)});
}

// A head's mask [length, stride] up to the diagonal at least: 0 with probability `rate`, which is
// in [0, 1), else 1 / (1 - rate). `stride` is a multiple of 16.
void DrawScoreMask(const RandomPlace& place, std::size_t head, std::size_t length,
                   std::size_t stride, double rate, float* mask);

}  // namespace ddl
