// SPDX-License-Identifier: Apache-2.0
// Four numbers on their way into a product: what is left of them, and how they become pairs.
#include "trainer/cuda/fetched_four.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ddl {
namespace fetched_four_test {

std::uint32_t WordOf(float low, float high) {
  return BitsOf(RoundedPair(low, high));
}
FourFloats Fetched(std::uint32_t low, std::uint32_t high) {
  return {{__builtin_bit_cast(float, low), __builtin_bit_cast(float, high)}};
}

TEST(PickedBytes, TakesBytesOfBothWordsAndSigns) {
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x5410U), 0x66552211U);
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x7632U), 0x88774433U);
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x000FU), 0x111111FFU);
  EXPECT_EQ(PickedBytes(0x80007F01U, 0, 0x9B8AU), 0x00FF0000U);
}

TEST(FetchedFour, KeepsFloatsWhoseByteIsZero) {
  for (std::uint32_t place = 0; place < kFour; ++place) {
    for (const std::uint32_t byte : {1U, 0x7FU, 0x80U, 0xFFU}) {
      FourFloats four{{1.0F, -2.0F, 3.0F, -INFINITY}};
      const FourFloats before = four;
      KeepWhereZero(four, byte << 8 * place, false);
      for (std::uint32_t i = 0; i < kFour; ++i) {
        EXPECT_EQ(four.at[i], i == place ? 0.0F : before.at[i]) << place << " " << byte;
      }
    }
  }
}

TEST(FetchedFour, KeepsBfloatsWhoseByteIsZero) {
  for (std::uint32_t place = 0; place < kFour; ++place) {
    for (const std::uint32_t byte : {1U, 0x7FU, 0x80U, 0xFFU}) {
      FourFloats four = Fetched(WordOf(1, -2), WordOf(3, -4));
      KeepWhereZero(four, byte << 8 * place, true);
      EXPECT_EQ(BitsOf(four.at[0]), WordOf(place == 0 ? 0 : 1, place == 1 ? 0 : -2)) << byte;
      EXPECT_EQ(BitsOf(four.at[1]), WordOf(place == 2 ? 0 : 3, place == 3 ? 0 : -4)) << byte;
    }
  }
}

TEST(FetchedFour, PairsNumbersAlongAndAcross) {
  const FourFloats floats{{1, 2, 3, 4}};
  const FourFloats others{{5, 6, 7, 8}};
  const FourFloats bfloats = Fetched(WordOf(1, 2), WordOf(3, 4));
  const FourFloats other_bfloats = Fetched(WordOf(5, 6), WordOf(7, 8));
  for (std::uint32_t i = 0; i < kFour; ++i) {
    const std::uint32_t pair = WordOf(floats.at[i], others.at[i]);
    EXPECT_EQ(BitsOf(PairAcross(floats, others, i, false)), pair);
    EXPECT_EQ(BitsOf(PairAcross(bfloats, other_bfloats, i, true)), pair);
  }
  for (std::uint32_t i = 0; i < 2; ++i) {
    const std::uint32_t pair = WordOf(floats.at[2 * i], floats.at[2 * i + 1]);
    EXPECT_EQ(BitsOf(PairAlong(floats, i, false)), pair);
    EXPECT_EQ(BitsOf(PairAlong(bfloats, i, true)), pair);
  }
}

}  // namespace fetched_four_test
}  // namespace ddl
