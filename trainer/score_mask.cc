// SPDX-License-Identifier: Apache-2.0
#include "trainer/score_mask.h"

#include <cassert>

#include "trainer/random_kernels.h"

namespace ddl {

namespace {

// Words of sixteen blocks side by side: of the keys of two groups of sixteen.
struct MaskWords {
  std::uint32_t at[4][kFloatsPerLine];
};

DDL_INLINE void DrawTwoGroups(const RandomPlace& place, std::uint32_t length, std::uint32_t head,
                              std::uint32_t query_pair, std::uint32_t first_pair,
                              MaskWords& words) {
  for (std::uint32_t i = 0; i < kFloatsPerLine; ++i) {
    const PhiloxWords drawn = DrawScores(place, length, head, query_pair, first_pair + i);
    words.at[0][i] = drawn.a;
    words.at[1][i] = drawn.b;
    words.at[2][i] = drawn.c;
    words.at[3][i] = drawn.d;
  }
}

}  // namespace

DDL_CLONES void DrawScoreMask(const RandomPlace& place, std::size_t head, std::size_t length,
                              std::size_t stride, double rate, float* mask) {
  assert(stride % (2 * kMaskStep) == 0 && stride >= length);
  const DropoutRule rule = DropoutRuleOf(rate);
  const auto rows = static_cast<std::uint32_t>(length);
  for (std::uint32_t pair = 0; pair < MaskPairs(rows); ++pair) {
    const std::uint32_t query = FirstOfMaskPair(pair);
    for (std::uint32_t first = 0; first <= query + kMaskStep && first < stride;
         first += 4 * kMaskStep) {
      MaskWords words;
      DrawTwoGroups(place, rows, static_cast<std::uint32_t>(head), pair, MaskPair(first), words);
      for (std::uint32_t row = 0; row < 2 && query + row * kMaskStep < length; ++row) {
        float* line = mask + (query + row * kMaskStep) * stride + first;
        for (std::uint32_t group = 0; group < 2 && first + group * 2 * kMaskStep < stride; ++group)
          for (std::uint32_t half = 0; half < 2; ++half)
            for (std::uint32_t i = 0; i < kMaskStep; ++i)
              line[(2 * group + half) * kMaskStep + i] =
                  rule.FactorOf(words.at[2 * row + half][group * kMaskStep + i]);
      }
    }
  }
}

}  // namespace ddl
