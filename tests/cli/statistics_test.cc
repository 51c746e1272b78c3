// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/statistics.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "configs/mix.h"

namespace ddl {
namespace statistics_test {

SeedValues Seeds(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

double DrawNormal(std::uint64_t& key) {
  const auto uniform = [&key] {
    return (static_cast<double>(Mix(key += 0x9e3779b97f4a7c15U) >> 11U) + 0.5) * 0x1p-53;
  };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

SeedValues DrawSeeds(std::size_t count, double scale, std::uint64_t& key) {
  SeedValues seeds;
  for (std::size_t i = 0; i < count; ++i)
    seeds.emplace_back(scale * DrawNormal(key));
  return seeds;
}

TEST(Statistics, OfFewValuesTheIntervalIsStudents) {
  EXPECT_FALSE(IntervalOfMean({1.0}));
  // t of the tables: 12.706 with 1 degree of freedom, 4.303 with 2, 2.776 with 4.
  const auto two = IntervalOfMean({1, 3});
  EXPECT_NEAR(two->high, 2 + 12.706 * 1, 1e-3);
  const auto three = IntervalOfMean({1, 2, 3});
  EXPECT_NEAR(three->low, 2 - 4.303 / std::sqrt(3.0), 1e-3);
  const auto five = IntervalOfMean({1, 2, 3, 4, 5});
  EXPECT_NEAR(five->high, 3 + 2.776 * std::sqrt(2.5 / 5), 1e-3);
}

TEST(Statistics, TheIntervalCoversTheMeanAsOftenAsItSays) {
  std::uint64_t key = 1;
  for (const std::size_t count : {3U, 10U}) {
    int covered = 0;
    constexpr int kSweeps = 400;
    for (int i = 0; i < kSweeps; ++i) {
      std::vector<double> values;
      for (std::size_t j = 0; j < count; ++j)
        values.push_back(5 + DrawNormal(key));
      const auto interval = IntervalOfMean(values);
      covered += interval->low <= 5 && 5 <= interval->high ? 1 : 0;
    }
    EXPECT_GE(covered, kSweeps * 92 / 100) << count;  // 3 standard errors below 95 %
    EXPECT_LE(covered, kSweeps * 985 / 1000) << count;
  }
}

TEST(Statistics, TheSameValuesGiveTheSameInterval) {
  const std::vector<double> values{0.3, 0.1, 0.5, 0.9, 0.2, 0.4, 0.7};
  const auto once = IntervalOfMean(values);
  const auto again = IntervalOfMean(values);
  EXPECT_EQ(once->low, again->low);
  EXPECT_EQ(once->high, again->high);
  EXPECT_LT(once->low, MeanOf(values));
  EXPECT_GT(once->high, MeanOf(values));
}

// Darwin's 15 pairs of maize, with which Fisher introduced the test (The design of experiments,
// 1935): of 32,768 arrangements 863 have a sum of 314 or more.
TEST(Statistics, TestsDarwinsMaizeAsFisherDid) {
  const std::vector<double> differences{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
  const auto result = CompareAll({SeedValues(15, 0.0), Seeds(differences)}).front();
  EXPECT_EQ(result.pairs, 15);
  EXPECT_NEAR(result.mean, 314.0 / 15, 1e-12);
  EXPECT_NEAR(*result.p, 2 * 863 / 32768.0, 1e-12);
}

TEST(Statistics, BeyondCountingDrawsTheSigns) {
  std::uint64_t key = 3;
  SeedValues first = DrawSeeds(18, 1, key);
  SeedValues second = DrawSeeds(18, 1, key);
  for (auto& value : second)
    *value += 0.5;
  const std::vector<double> differences = DifferencesOf(first, second);
  double sum = 0;
  for (const double difference : differences)
    sum += difference;
  int as_far = 0;
  for (std::uint32_t signs = 0; signs < 1U << 18U; ++signs) {
    double turned = 0;
    for (std::size_t i = 0; i < 18; ++i)
      turned += (signs >> i & 1U) != 0 ? -differences[i] : differences[i];
    as_far += std::abs(turned) >= std::abs(sum) * (1 - 1e-9) ? 1 : 0;
  }
  const double exact = as_far / std::pow(2.0, 18);
  ASSERT_GT(exact, 0.01);
  EXPECT_NEAR(*CompareAll({first, second}).front().p, exact, 0.01);
}

TEST(Statistics, FiveSeedsShowNothingAndSixDo) {
  const SeedValues zeros(6, 0.0);
  SeedValues above = Seeds({1.0, 1.2, 0.9, 1.1, 1.3, 1.0});
  EXPECT_NEAR(*CompareAll({zeros, above}).front().p, 2.0 / 64, 1e-12);
  above.pop_back();
  EXPECT_NEAR(*CompareAll({zeros, above}).front().p, 2.0 / 32, 1e-12);
}

TEST(Statistics, ASharedEffectOfSeedsDropsOut) {
  const SeedValues first = Seeds({1, 20, 300, 4000, 50, 6, 70, 8});
  SeedValues second = first;
  for (auto& value : second)
    *value += 0.001;
  const auto result = CompareAll({first, second}).front();
  EXPECT_NEAR(result.mean, 0.001, 1e-12);
  EXPECT_NEAR(*result.p, 2.0 / 256, 1e-12);
}

TEST(Statistics, SeedsThatOneLacksAreLeftOut) {
  const SeedValues first = {1.0, std::nullopt, 3.0, 4.0};
  const SeedValues second = {2.0, 7.0, std::nullopt, 6.0, 9.0};
  EXPECT_EQ(DifferencesOf(first, second), (std::vector<double>{1, 2}));
  const auto result = CompareAll({first, second}).front();
  EXPECT_EQ(result.pairs, 2);
  EXPECT_DOUBLE_EQ(result.mean, 1.5);
  EXPECT_NEAR(*result.p, 0.5, 1e-12);
  EXPECT_FALSE(CompareAll({first, {}}).front().p);
}

TEST(Statistics, SidesThatAreTheSameHaveNoPValue) {
  const SeedValues one = Seeds({1, 2, 3, 4, 5, 6, 7});
  const auto result = CompareAll({one, one}).front();
  EXPECT_EQ(result.mean, 0);
  EXPECT_FALSE(result.p);
}

TEST(Statistics, AClearDifferenceStaysShownAmongManyPairs) {
  std::uint64_t key = 11;
  std::vector<SeedValues> sides;
  for (int i = 0; i < 10; ++i)
    sides.push_back(DrawSeeds(8, 0.01, key));
  for (auto& value : sides[9])
    *value += 1;
  for (const PairedDifference& pair : CompareAll(sides)) {
    if (pair.second != 9) continue;
    EXPECT_LT(*pair.p, kShownBelow) << pair.first;
  }
}

TEST(Statistics, CorrectionNeverMakesAPValueSmaller) {
  std::uint64_t key = 12;
  std::vector<SeedValues> sides;
  for (int i = 0; i < 5; ++i)
    sides.push_back(DrawSeeds(9, 1, key));
  for (const PairedDifference& pair : CompareAll(sides)) {
    const double alone = *CompareAll({sides[pair.first], sides[pair.second]}).front().p;
    EXPECT_GE(*pair.p, alone - 1e-12);
  }
}

// The best of several equals the worst: a claim about any pair is false, and rare.
TEST(Statistics, ClaimsNothingWhereThereIsNoDifference) {
  std::uint64_t key = 21;
  int sweeps_with_a_claim = 0;
  constexpr int kSweeps = 500;
  for (int i = 0; i < kSweeps; ++i) {
    std::vector<SeedValues> sides;
    for (int side = 0; side < 6; ++side)
      sides.push_back(DrawSeeds(8, side == 0 ? 10.0 : 1.0, key));  // one is far noisier
    bool claims = false;
    for (const PairedDifference& pair : CompareAll(sides))
      claims = claims || *pair.p < kShownBelow;
    sweeps_with_a_claim += claims ? 1 : 0;
  }
  EXPECT_LE(sweeps_with_a_claim, kSweeps * 8 / 100);  // 3 standard errors above 5 %
}

}  // namespace statistics_test
}  // namespace ddl
