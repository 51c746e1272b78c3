// SPDX-License-Identifier: Apache-2.0
// Numbers on their way into a product: how they are taken, what is left of them, and how they
// become pairs.
#include "trainer/cuda/fetched_numbers.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace ddl {
namespace fetched_numbers_test {

constexpr std::uint32_t kBytes[] = {1U, 0x7FU, 0x80U, 0xFFU};

std::uint32_t WordOf(float low, float high) {
  return BitsOf(RoundedPair(low, high));
}

// Eight numbers as they are stored in bfloat16, and as floats.
struct alignas(16) Stored {
  std::array<std::uint32_t, 4> rounded = {WordOf(1, -2), WordOf(3, -4), WordOf(5, -6),
                                          WordOf(7, -8)};
  alignas(16) std::array<float, 8> floats = {1, -2, 3, -4, 5, -6, 7, -8};

  [[nodiscard]] const std::byte* At(bool is_bfloat16) const {
    return is_bfloat16 ? reinterpret_cast<const std::byte*>(rounded.data())
                       : reinterpret_cast<const std::byte*>(floats.data());
  }
};

// The word of the `place`-th pair of the first `count` of those numbers.
std::uint32_t PairOf(std::uint32_t place, std::uint32_t count, std::uint32_t left_out = 8) {
  const auto at = [&](std::uint32_t i) {
    const auto size = static_cast<float>(i + 1);
    return i >= count || i == left_out ? 0.0F : (i % 2 == 0 ? size : -size);
  };
  return WordOf(at(2 * place), at(2 * place + 1));
}

TEST(PickedBytes, TakesBytesOfBothWordsAndSigns) {
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x5410U), 0x66552211U);
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x7632U), 0x88774433U);
  EXPECT_EQ(PickedBytes(0x44332211U, 0x88776655U, 0x000FU), 0x111111FFU);
  EXPECT_EQ(PickedBytes(0x80007F01U, 0, 0x9B8AU), 0x00FF0000U);
}

TEST(FetchedFour, KeepsNumbersWhoseByteIsTheValue) {
  for (std::uint32_t place = 0; place < 4; ++place) {
    for (const std::uint32_t byte : kBytes) {
      FetchedFour four{{{1.0F, -2.0F, 3.0F, -INFINITY}}};
      const FourFloats before = four.floats;
      four.KeepWhere({{0x03030303U ^ byte << 8 * place}}, 3);
      for (std::uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(four.floats.at[i], i == place ? 0.0F : before.at[i]) << place << " " << byte;
      }
    }
  }
}

TEST(FetchedFour, TakesTheFirstOnesOrAll) {
  const Stored stored;
  for (std::uint32_t count = 0; count <= 4; ++count) {
    const auto four = FetchFirst<FetchedFour>(count, stored.At(false), false);
    for (std::uint32_t i = 0; i < 4; ++i)
      EXPECT_EQ(four.floats.at[i], i < count ? stored.floats[i] : 0.0F) << count;
  }
  EXPECT_EQ(FetchedFour::All(stored.At(false), false).floats.at[3], -4.0F);
}

TEST(FetchedEight, KeepsNumbersWhoseByteIsTheValue) {
  const Stored stored;
  for (std::uint32_t place = 0; place < 8; ++place) {
    for (const std::uint32_t byte : kBytes) {
      FetchedEight eight = FetchedEight::All(stored.At(true), true);
      BytesOfNumbers<8> bytes{{0x02020202U, 0x02020202U}};
      bytes.words[place / 4] ^= byte << 8 * (place % 4);
      eight.KeepWhere(bytes, 2);
      const FourFloats words = eight.Rounded(true);
      for (std::uint32_t i = 0; i < 4; ++i)
        EXPECT_EQ(BitsOf(words.at[i]), PairOf(i, 8, place)) << place << " " << byte;
    }
  }
}

TEST(FetchedEight, IsRoundedWhateverItWasFetchedFrom) {
  const Stored stored;
  for (const bool is_bfloat16 : {false, true}) {
    const FourFloats all =
        FetchedEight::All(stored.At(is_bfloat16), is_bfloat16).Rounded(is_bfloat16);
    for (std::uint32_t i = 0; i < 4; ++i)
      EXPECT_EQ(BitsOf(all.at[i]), PairOf(i, 8)) << is_bfloat16;
    for (std::uint32_t count = 0; count <= 8; ++count) {
      const auto first = FetchFirst<FetchedEight>(count, stored.At(is_bfloat16), is_bfloat16);
      const FourFloats words = first.Rounded(is_bfloat16);
      for (std::uint32_t i = 0; i < 4; ++i)
        EXPECT_EQ(BitsOf(words.at[i]), PairOf(i, count)) << is_bfloat16 << " " << count;
    }
  }
}

}  // namespace fetched_numbers_test
}  // namespace ddl
