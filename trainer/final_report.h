// SPDX-License-Identifier: Apache-2.0
// What a training leaves behind beside its metrics, of the weights that it ends with: figures of
// each class, for people and in a file, and predictions where they are asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/confusion.h"
#include "trainer/error_figures.h"
#include "trainer/plan.h"
#include "trainer/predictions.h"

namespace ddl {

inline constexpr const char* kFiguresFile = "figures.json";
inline constexpr const char* kPredictionsFile = "predictions.bin";

// A file of predictions is made in memory.
inline constexpr std::uint64_t kMostPredictionBytes = std::uint64_t{1} << 31U;

class FinalReport {
 public:
  // `folder` is where files go. Throws Error when predictions are asked for and there is no folder,
  // or they would be larger than a file may be.
  FinalReport(const TrainerConfig& config, const TrainingBatches& batches,
              std::optional<std::filesystem::path> folder);

  // Whether the validation part has to be looked at once more.
  [[nodiscard]] bool WantsValidation() const;
  // Takes in a batch of validation or test rows that was just evaluated.
  void TakeValidation(std::span<const std::uint32_t> rows, const OutputView& outputs);
  void TakeTest(std::span<const std::uint32_t> rows, const OutputView& outputs);

  // Who trained what, and when.
  struct Origin {
    std::string training;
    std::string arithmetic;
    std::uint64_t epoch = 0;
    std::uint64_t iteration = 0;
  };
  // Writes the files and returns the table of figures, "" where there is none.
  [[nodiscard]] std::string Finish(const Origin& origin);

 private:
  [[nodiscard]] bool HasFigures() const;
  void Take(const Batches& part, std::span<const std::uint32_t> rows, const OutputView& outputs,
            PartPredictions& into) const;
  void Count(const Batches& part, std::span<const std::uint32_t> rows, const OutputView& outputs);
  [[nodiscard]] std::string Figures() const;

  const TrainerConfig& config_;
  const TrainingBatches& batches_;
  std::optional<std::filesystem::path> folder_;
  Confusion confusion_;           // of classes
  std::vector<RowError> errors_;  // of a regression
  Predictions predictions_;
};

}  // namespace ddl
