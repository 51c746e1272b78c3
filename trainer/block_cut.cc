// SPDX-License-Identifier: Apache-2.0
#include "trainer/block_cut.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "trainer/random.h"
#include "trainer/split.h"

namespace ddl {

namespace {

// Parts of the purposes kSplit and kOrder; part 0 of each is the shuffling of all rows at once.
constexpr std::uint32_t kPlacePart = 1;
constexpr std::uint32_t kBlocksPart = 1;
constexpr std::uint32_t kFirstWindowPart = 2;

void AppendRun(const RowRun& run, std::vector<std::uint32_t>& rows) {
  const std::size_t before = rows.size();
  rows.resize(before + run.count);
  std::iota(rows.begin() + static_cast<std::ptrdiff_t>(before), rows.end(),
            static_cast<std::uint32_t>(run.first));
}

}  // namespace

std::size_t BlockCut::Blocks() const {
  return (sizes_.rows + sizes_.rows_per_block - 1) / sizes_.rows_per_block;
}

RowRun BlockCut::Block(std::size_t block) const {
  const std::size_t first = block * sizes_.rows_per_block;
  return {first, std::min(sizes_.rows_per_block, sizes_.rows - first)};
}

// The share is kept at every block's end, rounded down: exact at the last, and no sum is needed.
std::size_t BlockCut::HeldOutBefore(std::size_t block) const {
  const std::size_t rows = std::min(block * sizes_.rows_per_block, sizes_.rows);
  return rows * sizes_.validation / sizes_.rows;  // both below 2^32
}

RowRun BlockCut::HeldOut(std::size_t block) const {
  const RowRun all = Block(block);
  const std::size_t count = HeldOutBefore(block + 1) - HeldOutBefore(block);
  const std::uint64_t word =
      RandomWord({.seed = seed_, .purpose = RandomPurpose::kSplit, .part = kPlacePart}, block);
  return {all.first + static_cast<std::size_t>((word * (all.count - count + 1)) >> 32U), count};
}

std::size_t BlockCut::BlockOfHeldOut(std::size_t n) const {
  assert(n < sizes_.validation);
  std::size_t low = 0;
  std::size_t high = Blocks();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (HeldOutBefore(middle) <= n ? low : high) = middle;
  }
  return low;
}

std::size_t BlockCut::TrainingRows(std::size_t block) const {
  return Block(block).count - (HeldOutBefore(block + 1) - HeldOutBefore(block));
}

BlockCut::TrainingRuns BlockCut::Training(std::size_t block) const {
  const RowRun all = Block(block);
  const RowRun held_out = HeldOut(block);
  const std::size_t behind = held_out.first + held_out.count;
  return {.before = {all.first, held_out.first - all.first},
          .behind = {behind, all.first + all.count - behind}};
}

BlockOrder::BlockOrder(const BlockCut& cut, std::size_t window, bool is_shuffled,
                       std::uint64_t epoch)
    : cut_(cut), window_(window), is_shuffled_(is_shuffled), epoch_(epoch), starts_{0} {
  const std::size_t blocks = cut.Blocks();
  if (is_shuffled) {
    blocks_ = Permutation(
        {.seed = cut.Seed(), .purpose = RandomPurpose::kOrder, .part = kBlocksPart, .step = epoch},
        blocks);
  } else {
    blocks_.resize(blocks);
    std::iota(blocks_.begin(), blocks_.end(), 0U);
  }
  for (std::size_t i = 0, rows = 0; i < blocks; ++i) {
    rows += cut.TrainingRows(blocks_[i]);
    if ((i + 1) % window == 0 || i + 1 == blocks) starts_.push_back(rows);
  }
}

std::size_t BlockOrder::WindowOf(std::size_t place) const {
  const auto behind = std::ranges::upper_bound(starts_, place);
  assert(behind != starts_.end());
  return static_cast<std::size_t>(behind - starts_.begin()) - 1;
}

std::vector<std::uint32_t> BlockOrder::Blocks(std::size_t window) const {
  const auto first = blocks_.begin() + static_cast<std::ptrdiff_t>(window * window_);
  const auto left = blocks_.end() - first;
  return {first, first + std::min(left, static_cast<std::ptrdiff_t>(window_))};
}

std::vector<std::uint32_t> BlockOrder::Rows(std::size_t window) const {
  std::vector<std::uint32_t> rows;
  rows.reserve(starts_[window + 1] - starts_[window]);
  for (const std::uint32_t block : Blocks(window)) {
    const BlockCut::TrainingRuns runs = cut_.Training(block);
    AppendRun(runs.before, rows);
    AppendRun(runs.behind, rows);
  }
  if (is_shuffled_) {
    Shuffle({.seed = cut_.Seed(),
             .purpose = RandomPurpose::kOrder,
             .part = kFirstWindowPart + static_cast<std::uint32_t>(window),
             .step = epoch_},
            rows);
  }
  return rows;
}

}  // namespace ddl
