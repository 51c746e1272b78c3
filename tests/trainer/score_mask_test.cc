// SPDX-License-Identifier: Apache-2.0
#include "trainer/score_mask.h"

#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/initial_weights.h"
#include "trainer/tensor.h"

namespace ddl {
namespace score_mask_test {

constexpr std::size_t kLength = 203;
constexpr float kUntouched = -1.0F;

std::vector<float> MaskOf(const RandomPlace& place, std::size_t head, std::size_t stride,
                          double rate) {
  std::vector<float> mask(kLength * stride, kUntouched);
  DrawScoreMask(place, head, kLength, stride, rate, mask.data());
  return mask;
}

// Of the numbers up to the diagonal.
double ShareOfZeros(const std::vector<float>& mask, std::size_t stride) {
  std::size_t zeros = 0;
  for (std::size_t row = 0; row < kLength; ++row)
    for (std::size_t col = 0; col <= row; ++col)
      if (mask[row * stride + col] == 0.0F) ++zeros;
  return static_cast<double>(zeros) / (kLength * (kLength + 1) / 2.0);
}

TEST(ScoreMask, DropsTheShareThatIsWantedAndScalesTheOthers) {
  const std::size_t stride = PaddedWidth(kLength);
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    const std::vector<float> mask = MaskOf(ScoreMaskPlace(1, 2, 3), 4, stride, rate);
    EXPECT_NEAR(ShareOfZeros(mask, stride), rate, 0.02);  // six deviations at most
    const auto kept = static_cast<float>(1.0 / (1.0 - rate));
    for (std::size_t row = 0; row < kLength; ++row)
      for (std::size_t col = 0; col <= row; ++col) {
        const float factor = mask[row * stride + col];
        ASSERT_TRUE(factor == kept || (factor == 0.0F && rate > 0.0)) << row << " " << col;
      }
  }
}

// The four numbers of a block, and neighbours, are dropped as if the others were not there.
TEST(ScoreMask, NumbersAreDroppedIndependentlyOfEachOther) {
  const std::size_t stride = PaddedWidth(kLength);
  const std::vector<float> mask = MaskOf(ScoreMaskPlace(1, 2, 3), 4, stride, 0.5);
  for (const auto& [down, across] : {std::pair(8, 0), {0, 8}, {8, 8}, {1, 0}, {0, 1}, {16, 0}}) {
    double both = 0.0;
    double count = 0.0;
    for (std::size_t row = 0; row + 16 < kLength; ++row)
      for (std::size_t col = 0; col + 8 <= row; ++col, ++count)
        both += static_cast<double>(mask[row * stride + col] *
                                    mask[(row + static_cast<std::size_t>(down)) * stride + col +
                                         static_cast<std::size_t>(across)]) /
                4.0;
    EXPECT_NEAR(both / count, 0.25, 0.02) << down << " " << across;
  }
}

TEST(ScoreMask, DependsOnSeedStepLayerHeadAndOnNothingElse) {
  const std::size_t stride = PaddedWidth(kLength);
  const std::vector<float> mask = MaskOf(ScoreMaskPlace(1, 2, 3), 4, stride, 0.5);
  EXPECT_EQ(MaskOf(ScoreMaskPlace(1, 2, 3), 4, stride, 0.5), mask);
  std::set<std::vector<float>> all{mask};
  for (const auto& [seed, step, layer, head] :
       {std::tuple(2, 2, 3, 4), {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5}})
    all.insert(
        MaskOf(ScoreMaskPlace(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(step),
                              static_cast<std::size_t>(layer)),
               static_cast<std::size_t>(head), stride, 0.5));
  EXPECT_EQ(all.size(), 5U);
  const std::vector<float> wider = MaskOf(ScoreMaskPlace(1, 2, 3), 4, stride + 64, 0.5);
  for (std::size_t row = 0; row < kLength; ++row)
    for (std::size_t col = 0; col <= row; ++col)
      ASSERT_EQ(wider[row * (stride + 64) + col], mask[row * stride + col]);
}

}  // namespace score_mask_test
}  // namespace ddl
