// SPDX-License-Identifier: Apache-2.0
#include "trainer/random.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/philox.h"

namespace ddl {
namespace random_test {

// The known answers that Random123, the authors' own library, ships for philox4x32-10.
TEST(Philox, GivesThePublishedNumbers) {
  const PhiloxWords zero = Philox({0, 0, 0, 0}, {0, 0});
  EXPECT_EQ(zero.a, 0x6627e8d5U);
  EXPECT_EQ(zero.b, 0xe169c58dU);
  EXPECT_EQ(zero.c, 0xbc57ac4cU);
  EXPECT_EQ(zero.d, 0x9b00dbd8U);
  const PhiloxWords ones = Philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U});
  EXPECT_EQ(ones.a, 0x408f276dU);
  EXPECT_EQ(ones.b, 0x41c83b0eU);
  EXPECT_EQ(ones.c, 0xa20bc7c6U);
  EXPECT_EQ(ones.d, 0x6d5451fdU);
  const PhiloxWords pi =
      Philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U});
  EXPECT_EQ(pi.a, 0xd16cfe09U);
  EXPECT_EQ(pi.b, 0x94fdccebU);
  EXPECT_EQ(pi.c, 0x5001e420U);
  EXPECT_EQ(pi.d, 0x24126ea1U);
}

TEST(RandomStream, FillsInPiecesAsAtOnce) {
  const RandomStream stream{.seed = 7, .purpose = RandomPurpose::kOrder, .step = 3};
  std::vector<std::uint32_t> whole(103);
  FillWords(stream, 0, whole);
  for (const std::size_t cut : {1U, 2U, 3U, 4U, 50U}) {
    std::vector<std::uint32_t> pieces(whole.size());
    FillWords(stream, 0, std::span(pieces).first(cut));
    FillWords(stream, cut, std::span(pieces).subspan(cut));
    EXPECT_EQ(pieces, whole) << "cut at " << cut;
  }
  EXPECT_EQ(RandomWord(stream, 42), whole[42]);
}

TEST(RandomStream, DiffersByEachOfItsNames) {
  const RandomStream base{.seed = 1, .purpose = RandomPurpose::kSplit, .part = 2, .step = 3};
  const auto word = [](RandomStream stream) { return RandomWord(stream, 5); };
  RandomStream seed = base;
  seed.seed = 1ULL << 32U;
  RandomStream purpose = base;
  purpose.purpose = RandomPurpose::kOrder;
  RandomStream part = base;
  part.part = 3;
  RandomStream step = base;
  step.step = 1ULL << 33U;
  for (const RandomStream& other : {seed, purpose, part, step})
    EXPECT_NE(word(other), word(base));
}

TEST(RandomStream, UniformNumbersFillTheirRangeEvenly) {
  std::vector<float> values(100'000);
  FillUniform({.seed = 11}, 0, {.low = -2.0F, .high = 4.0F}, values);
  double sum = 0.0;
  int below_zero = 0;
  for (const float value : values) {
    ASSERT_GE(value, -2.0F);
    ASSERT_LT(value, 4.0F);
    sum += value;
    below_zero += value < 0.0F ? 1 : 0;
  }
  EXPECT_NEAR(sum / 100'000, 1.0, 0.02);  // 4 standard errors
  EXPECT_NEAR(below_zero / 100'000.0, 1 / 3.0, 0.006);
}

TEST(RandomStream, NormalNumbersHaveTheMomentsOfANormal) {
  std::vector<float> values(100'000);
  FillNormal({.seed = 12}, 0, 2.0F, values);
  double sum = 0.0;
  double squares = 0.0;
  int beyond = 0;  // two standard deviations: 4.55 %
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
    beyond += std::abs(value) > 4.0F ? 1 : 0;
  }
  EXPECT_NEAR(sum / 100'000, 0.0, 0.026);
  EXPECT_NEAR(squares / 100'000, 4.0, 0.08);
  EXPECT_NEAR(beyond / 100'000.0, 0.0455, 0.003);
}

}  // namespace random_test
}  // namespace ddl
