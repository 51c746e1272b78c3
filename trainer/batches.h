// SPDX-License-Identifier: Apache-2.0
// The rows a training reads, whatever they are stored as: the seam between data sets and plans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainer/augment.h"
#include "trainer/dataset.h"
#include "trainer/plan.h"
#include "trainer/target.h"

namespace ddl {

// One part of a data set: training, validation or test. May be empty.
struct Batches {
  std::size_t rows = 0;
  // Writes features (normalised) and labels of these rows to the place. Training rows are named as
  // `order` names them, the others from 0 to rows - 1.
  std::function<void(std::span<const std::uint32_t> rows, const BatchPlace& place)> load = {};
  // As the data set numbers it, for a row from 0 to rows - 1; ascending. Absent: the same number.
  std::function<std::uint32_t(std::uint32_t row)> number = {};
  // Where a device that holds all of the data finds it: training rows (or tokens) from 0 on, test
  // rows behind them. Absent: under the same number.
  std::function<std::uint32_t(std::uint32_t row)> resident = {};
};

// `count` rows of an epoch from its `first` on; valid until the next call. Cheapest in order.
using RowOrder =
    std::function<std::span<const std::uint32_t>(std::size_t first, std::size_t count)>;

// The same of an order that is held as a whole.
[[nodiscard]] inline RowOrder WholeOrder(std::vector<std::uint32_t> rows) {
  return [rows = std::move(rows)](std::size_t first, std::size_t count) {
    return std::span(rows).subspan(first, count);
  };
}

// Rows of data in memory, scaled and, in training, changed as images: what a device that holds them
// gathers by itself.
struct ResidentRows {
  const Dataset* data = nullptr;
  Affine affine = {};
  Augmentation augmentation = {};
};

struct TrainingBatches {
  Batches train = {};
  Batches validation = {};
  Batches test = {};
  // The training rows that an epoch (0, 1, …) visits, in order: train.rows of them, a pure function
  // of the seed and the epoch. One epoch at a time is asked for.
  std::function<RowOrder(std::uint64_t epoch)> order = {};
  std::string name;
  std::string identity = {};  // of the data, and how they are cut; empty: not known
  std::size_t features = 0;
  std::vector<std::size_t> shape = {};        // of a row, {28, 28} or {32, 32, 3}; may be empty
  bool is_text = false;                       // rows of tokens below `classes`, each with a label
  std::size_t classes = 0;                    // 1 in a regression
  bool is_regression = false;                 // labels are the bits of real targets, see target.h
  TargetScale target = {};                    // of the training rows
  std::vector<std::string> class_names = {};  // empty: just numbers
  // Absent where the data stay in their file.
  std::optional<ResidentRows> resident = {};
};

}  // namespace ddl
