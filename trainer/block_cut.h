// SPDX-License-Identifier: Apache-2.0
// Data larger than memory, cut into blocks of rows that lie side by side: which rows of each block
// validate, and in what order an epoch visits the others. Pure functions of the seed and the epoch,
// computed for a block when it is needed; nothing here grows with the number of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddl {

// Rows that lie side by side.
struct RowRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

class BlockCut {
 public:
  struct Sizes {
    std::size_t rows = 0;            // of the file, below 2^32
    std::size_t rows_per_block = 1;  // of each block but the last, which may have fewer
    std::size_t validation = 0;      // rows of all, below `rows`
  };
  BlockCut(Sizes sizes, std::uint64_t seed) : sizes_(sizes), seed_(seed) {}

  [[nodiscard]] std::size_t Blocks() const;
  [[nodiscard]] RowRun Block(std::size_t block) const;
  // The rows of a block that validate: its share of all, at a place that the seed draws. They lie
  // side by side, so that an evaluation reads these pages and no others.
  [[nodiscard]] RowRun HeldOut(std::size_t block) const;
  // Validation rows of the blocks before this one.
  [[nodiscard]] std::size_t HeldOutBefore(std::size_t block) const;
  // The block of the n-th validation row.
  [[nodiscard]] std::size_t BlockOfHeldOut(std::size_t n) const;
  [[nodiscard]] std::size_t TrainingRows() const { return sizes_.rows - sizes_.validation; }
  [[nodiscard]] std::size_t TrainingRows(std::size_t block) const;
  // What lies before and behind the held-out rows; either may be empty.
  struct TrainingRuns {
    RowRun before;
    RowRun behind;
  };
  [[nodiscard]] TrainingRuns Training(std::size_t block) const;
  [[nodiscard]] std::uint64_t Seed() const { return seed_; }

 private:
  Sizes sizes_;
  std::uint64_t seed_;
};

// An epoch's order over blocks: which blocks each window holds, and the window's rows.
class BlockOrder {
 public:
  // Shuffled: blocks are permuted, `window` of them together give a window, whose rows are
  // permuted. Not shuffled: as they lie in the file.
  BlockOrder(const BlockCut& cut, std::size_t window, bool is_shuffled, std::uint64_t epoch);

  [[nodiscard]] std::size_t Windows() const { return starts_.size() - 1; }
  // The place of a window's first row in the epoch; of Windows(): the number of training rows.
  [[nodiscard]] std::size_t Start(std::size_t window) const { return starts_[window]; }
  [[nodiscard]] std::size_t WindowOf(std::size_t place) const;
  [[nodiscard]] std::vector<std::uint32_t> Blocks(std::size_t window) const;
  [[nodiscard]] std::vector<std::uint32_t> Rows(std::size_t window) const;

 private:
  const BlockCut& cut_;
  std::size_t window_;
  bool is_shuffled_;
  std::uint64_t epoch_;
  std::vector<std::uint32_t> blocks_;
  std::vector<std::size_t> starts_;
};

}  // namespace ddl
