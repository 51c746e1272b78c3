// SPDX-License-Identifier: Apache-2.0
// What a training says on stdout: one JSON object a line, which the runner stores as metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ddl {

// Mean over samples; accuracy is a share of 1.
struct Quality {
  double loss = 0.0;
  double accuracy = 0.0;
};

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
// feed; val_* only with validation, percent_of_limit only with a limit.
[[nodiscard]] std::string EpochLine(const EpochMetrics& metrics);

// {"step": 10, "test_loss": …, "test_accuracy": …} and a line feed.
[[nodiscard]] std::string TestLine(std::uint64_t epoch, const Quality& test);

// Writes a line to stdout at once and whole. Throws Error when nobody takes it.
void WriteLine(const std::string& line);

}  // namespace ddl
