// SPDX-License-Identifier: Apache-2.0
// What a batch is worth: sums over rows, so that batches of any size add up to an epoch.
#pragma once

#include <cstddef>

namespace ddl {

// Of a regression, in the target's own unit.
struct ErrorSums {
  double distances = 0.0;       // |predicted - target|
  double squares = 0.0;         // of that
  double targets = 0.0;         // target - mean of the training rows
  double target_squares = 0.0;  // of that
};

struct BatchScore {
  double loss_sum = 0.0;
  std::size_t correct = 0;  // 0 in a regression
  std::size_t rows = 0;
  ErrorSums errors;  // zero where targets are classes

  void Add(const BatchScore& other) {
    loss_sum += other.loss_sum;
    correct += other.correct;
    rows += other.rows;
    errors.distances += other.errors.distances;
    errors.squares += other.errors.squares;
    errors.targets += other.errors.targets;
    errors.target_squares += other.errors.target_squares;
  }
};

}  // namespace ddl
