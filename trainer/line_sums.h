// SPDX-License-Identifier: Apache-2.0
// Sums along a row whose order is part of the result: sixteen partial sums, added pairwise.
#pragma once

#include <array>
#include <cstddef>

#include "trainer/clones.h"
#include "trainer/tensor.h"

namespace ddl {

using LineSums = std::array<float, kFloatsPerLine>;

DDL_INLINE float FoldSum(LineSums sums) {
  for (std::size_t half = kFloatsPerLine / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      sums[i] += sums[i + half];
    }
  }
  return sums[0];
}

// The sum of value(i) for i < count. It is also called for the padding behind, where what it gives
// is not used.
template <class Function>
DDL_INLINE float SumRow(std::size_t count, Function value) {
  LineSums sums{};
  const std::size_t whole = count / kFloatsPerLine * kFloatsPerLine;
  for (std::size_t start = 0; start < whole; start += kFloatsPerLine) {
    for (std::size_t i = 0; i < kFloatsPerLine; ++i) {
      sums[i] += value(start + i);
    }
  }
  if (whole == count) return FoldSum(sums);
  for (std::size_t i = 0; i < kFloatsPerLine; ++i) {
    const float rest = value(whole + i);
    sums[i] += whole + i < count ? rest : 0.0F;
  }
  return FoldSum(sums);
}

}  // namespace ddl
