// SPDX-License-Identifier: Apache-2.0
#include "trainer/split.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace split_test {

using testing::HasSubstr;
using testing::IsSupersetOf;

std::vector<std::uint32_t> Numbers(std::size_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

TEST(ValidationRows, AreAShareACountOrASixth) {
  EXPECT_EQ(ValidationRows(Json(), 60'000), 10'000U);
  EXPECT_EQ(ValidationRows(Json(0), 60'000), 0U);
  EXPECT_EQ(ValidationRows(Json(0.25), 1'000), 250U);
  EXPECT_EQ(ValidationRows(Json(5'000), 60'000), 5'000U);
  EXPECT_EQ(ValidationRows(Json(5'000.0), 60'000), 5'000U);
}

TEST(ValidationRows, RefuseWhatLeavesNothingOrMeansNothing) {
  for (const Json& wrong :
       {Json(100), Json(-1), Json(1.5), Json("half"), Json(0.999), Json(true)}) {
    try {
      (void)ValidationRows(wrong, 100);
      ADD_FAILURE() << DumpJson(wrong);
    } catch (const Error& error) {
      EXPECT_EQ(error.Where(), "validation");
      EXPECT_THAT(error.Message(), HasSubstr(DumpJson(wrong)));
    }
  }
}

TEST(Split, GivesEachRowToOnePart) {
  const SplitIndices split = MakeSplit(1'000, 300, 5);
  EXPECT_EQ(split.train.size(), 700U);
  EXPECT_EQ(split.validation.size(), 300U);
  std::vector<std::uint32_t> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, Numbers(1'000));
}

TEST(Split, IsTheFirstPartOfThePermutationOfItsSeed) {
  std::vector<std::uint32_t> order =
      Permutation({.seed = 5, .purpose = RandomPurpose::kSplit}, 1'000);
  order.resize(300);
  std::ranges::sort(order);
  EXPECT_EQ(MakeSplit(1'000, 300, 5).validation, order);
}

TEST(Split, OfASeedGrowsWithoutExchangingRows) {
  const SplitIndices small = MakeSplit(1'000, 100, 5);
  const SplitIndices large = MakeSplit(1'000, 400, 5);
  EXPECT_THAT(large.validation, IsSupersetOf(small.validation));
  EXPECT_NE(MakeSplit(1'000, 100, 6).validation, small.validation);
}

TEST(EpochOrder, IsAPermutationOfItsOwnInEveryEpoch) {
  std::vector<std::uint32_t> first = EpochOrder(3, 0, 500);
  EXPECT_EQ(first, EpochOrder(3, 0, 500));
  EXPECT_NE(first, EpochOrder(3, 1, 500));
  EXPECT_NE(first, EpochOrder(4, 0, 500));
  std::ranges::sort(first);
  EXPECT_EQ(first, Numbers(500));
}

TEST(EpochOrder, BringsEveryRowToEveryPlace) {
  // The mean place of one row over many epochs is the middle, within four standard errors.
  constexpr int kEpochs = 2'000;
  double sum = 0.0;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const auto order = EpochOrder(1, static_cast<std::uint64_t>(epoch), 100);
    sum += static_cast<double>(std::ranges::find(order, 17U) - order.begin());
  }
  EXPECT_NEAR(sum / kEpochs, 49.5, 4 * 28.87 / 44.7);
}

TEST(EpochRows, NamesTheGivenRowsInThatOrder) {
  const std::vector<std::uint32_t> rows{10, 20, 30, 40};
  std::vector<std::uint32_t> out(4);
  EpochRows(9, 2, rows, out);
  const auto order = EpochOrder(9, 2, 4);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(out[i], rows[order[i]]);
}

}  // namespace split_test
}  // namespace ddl
