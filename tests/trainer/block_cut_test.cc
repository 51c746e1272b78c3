// SPDX-License-Identifier: Apache-2.0
#include "trainer/block_cut.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace block_cut_test {

std::vector<std::uint32_t> WholeEpoch(const BlockOrder& order) {
  std::vector<std::uint32_t> rows;
  for (std::size_t window = 0; window < order.Windows(); ++window) {
    EXPECT_EQ(order.Start(window), rows.size());
    const std::vector<std::uint32_t> own = order.Rows(window);
    rows.insert(rows.end(), own.begin(), own.end());
  }
  EXPECT_EQ(order.Start(order.Windows()), rows.size());
  return rows;
}

void Append(const RowRun& run, std::vector<std::uint32_t>& rows) {
  for (std::size_t i = 0; i < run.count; ++i)
    rows.push_back(static_cast<std::uint32_t>(run.first + i));
}

TEST(BlockCut, TrainingAndValidationTogetherAreEveryRowOnce) {
  for (const std::size_t validation : {0U, 1U, 7U, 100U, 1002U}) {
    for (const std::size_t per_block : {1U, 10U, 64U, 2000U}) {
      const BlockCut cut({.rows = 1003, .rows_per_block = per_block, .validation = validation}, 5);
      std::vector<std::uint32_t> held_out;
      for (std::size_t block = 0; block < cut.Blocks(); ++block) {
        EXPECT_EQ(cut.HeldOutBefore(block), held_out.size());
        for (std::size_t i = 0; i < cut.HeldOut(block).count; ++i)
          EXPECT_EQ(cut.BlockOfHeldOut(held_out.size() + i), block);
        Append(cut.HeldOut(block), held_out);
      }
      EXPECT_EQ(held_out.size(), validation);
      for (const bool is_shuffled : {true, false}) {
        std::vector<std::uint32_t> all = WholeEpoch(BlockOrder(cut, 3, is_shuffled, 2));
        EXPECT_EQ(all.size(), cut.TrainingRows());
        EXPECT_EQ(std::ranges::is_sorted(all), !is_shuffled || all.size() < 2);
        all.insert(all.end(), held_out.begin(), held_out.end());
        std::ranges::sort(all);
        std::vector<std::uint32_t> wanted(1003);
        std::iota(wanted.begin(), wanted.end(), 0U);
        EXPECT_EQ(all, wanted) << validation << " in blocks of " << per_block;
      }
    }
  }
}

TEST(BlockCut, EveryBlockGivesItsShareToTheValidation) {
  const BlockCut cut({.rows = 1000, .rows_per_block = 50, .validation = 200}, 1);
  std::size_t moved = 0;
  for (std::size_t block = 0; block < cut.Blocks(); ++block) {
    EXPECT_EQ(cut.HeldOut(block).count, 10U);
    moved += cut.HeldOut(block).first % 50 != cut.HeldOut(0).first ? 1 : 0;
  }
  EXPECT_GT(moved, 10U) << "each at a place of its own";
}

TEST(BlockCut, OrderIsAFunctionOfSeedAndEpoch) {
  const BlockCut cut({.rows = 5000, .rows_per_block = 100}, 3);
  const BlockCut other({.rows = 5000, .rows_per_block = 100}, 4);
  EXPECT_EQ(WholeEpoch(BlockOrder(cut, 4, true, 7)), WholeEpoch(BlockOrder(cut, 4, true, 7)));
  EXPECT_NE(WholeEpoch(BlockOrder(cut, 4, true, 7)), WholeEpoch(BlockOrder(cut, 4, true, 8)));
  EXPECT_NE(WholeEpoch(BlockOrder(cut, 4, true, 7)), WholeEpoch(BlockOrder(other, 4, true, 7)));
}

TEST(BlockCut, AWindowMixesTheRowsOfItsBlocksAlone) {
  const BlockCut cut({.rows = 5000, .rows_per_block = 100}, 3);
  const BlockOrder order(cut, 4, true, 0);
  EXPECT_EQ(order.Windows(), 13U);
  const std::vector<std::uint32_t> rows = order.Rows(2);
  const std::vector<std::uint32_t> blocks = order.Blocks(2);
  EXPECT_EQ(rows.size(), 400U);
  std::size_t changes = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(std::ranges::count(blocks, rows[i] / 100) == 1);
    changes += i > 0 && rows[i] / 100 != rows[i - 1] / 100 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(changes), 300.0, 40.0) << "neighbours come from other blocks";
  EXPECT_EQ(order.WindowOf(799), 1U);
  EXPECT_EQ(order.WindowOf(800), 2U);
}

}  // namespace block_cut_test
}  // namespace ddl
