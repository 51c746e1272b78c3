// SPDX-License-Identifier: Apache-2.0
// What a training says on stdout: one JSON object a line, which the runner stores as metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/batch_score.h"

namespace ddl {

// Of a regression, in the target's unit.
struct ErrorQuality {
  double rmse = 0.0;              // root of the mean square error
  double mae = 0.0;               // mean absolute error
  std::optional<double> r2 = {};  // 1 - squares of the errors / squares of the targets about their
                                  // own mean; none where all targets are one
};

// Mean over samples.
struct Quality {
  double loss = 0.0;
  std::optional<double> accuracy = {};      // a share of 1, where targets are classes
  std::optional<ErrorQuality> errors = {};  // where they are real, and were measured
};

// Whether all figures are numbers: a loss in deviations of the target may be one where an error in
// its unit is none any more.
[[nodiscard]] bool IsFinite(const Quality& quality);

[[nodiscard]] Quality ClassQuality(double loss_sum, std::uint64_t correct, std::uint64_t rows);
[[nodiscard]] Quality RegressionQuality(const BatchScore& score);

struct EpochMetrics {
  std::uint64_t epoch = 0;      // 1 after the first; the line's "step"
  std::uint64_t iteration = 0;  // optimizer steps so far
  Quality train;                // of the epoch's batches as they were trained on
  std::optional<Quality> validation = std::nullopt;
  double samples_per_s = 0.0;  // of training alone
  double gflops = 0.0;         // of matrix products alone, a second
  double limit_gflops = 0.0;   // what the machine reaches in products; 0: not known
  double lr = 0.0;             // of the epoch's last step
};

// {"step": 1, "iteration": 390, "train_loss": …, "train_accuracy": …, "val_loss": …,
// "val_accuracy": …, "samples_per_s": …, "gflops": …, "percent_of_limit": …, "lr": …} and a line
// feed; val_* only with validation, percent_of_limit only with a limit. Of a regression val_rmse,
// val_mae and val_r2 in place of the accuracy.
[[nodiscard]] std::string EpochLine(const EpochMetrics& metrics);

// {"step": 10, "test_loss": …, "test_accuracy": …} and a line feed.
[[nodiscard]] std::string TestLine(std::uint64_t epoch, const Quality& test);

// Writes a line to stdout at once and whole. Throws Error when nobody takes it.
void WriteLine(const std::string& line);

}  // namespace ddl
