// SPDX-License-Identifier: Apache-2.0
#include "trainer/final_report.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/durable_file.h"
#include "trainer/figures.h"
#include "trainer/softmax_kernels.h"

namespace ddl {

namespace {

void CheckSize(const TrainingBatches& batches) {
  const std::size_t targets = batches.is_text ? batches.features : 1;
  const std::size_t rows = (batches.validation.rows + batches.test.rows) * targets;
  const std::uint64_t bytes = PredictionBytes(rows, batches.classes);
  if (bytes <= kMostPredictionBytes) return;
  throw Error(fmt::format("{} MiB of predictions of {} rows", bytes >> 20U, rows), "keep",
              fmt::format("at most {} MiB are kept: validate on fewer rows, or leave keep out",
                          kMostPredictionBytes >> 20U));
}

void MakeFolder(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (!failure) return;
  throw Error(fmt::format("cannot make the folder for results: {}", failure.message()),
              folder.string(), "name a folder that can be written", ErrorKind::kInfrastructure);
}

std::uint32_t NumberOf(const Batches& part, std::uint32_t row) {
  return part.number ? part.number(row) : row;
}

void TakeTargets(const TargetScale& scale, const OutputView& outputs, PartPredictions& into) {
  for (std::size_t r = 0; r < outputs.shape.rows; ++r) {
    into.targets.push_back(RealTarget(outputs.labels[r]));
    into.outputs.push_back(scale.Predicted(outputs.at[r * outputs.shape.stride]));
  }
}

}  // namespace

FinalReport::FinalReport(const TrainerConfig& config, const TrainingBatches& batches,
                         std::optional<std::filesystem::path> folder)
    : config_(config),
      batches_(batches),
      folder_(std::move(folder)),
      confusion_(HasFigures() ? batches.classes : 0) {
  if (!config.keeps_predictions) return;
  if (!folder_) {
    throw Error("predictions without a folder for them", "keep",
                "name one by DDL_OUTPUT_DIR, or leave keep out");
  }
  CheckSize(batches);
}

// Characters of a text are no classes that anybody looks at one by one.
bool FinalReport::HasFigures() const {
  return !batches_.is_text && batches_.validation.rows + batches_.test.rows > 0;
}

bool FinalReport::WantsValidation() const {
  const bool is_all_there_is = HasFigures() && batches_.test.rows == 0;
  return batches_.validation.rows > 0 && (config_.keeps_predictions || is_all_there_is);
}

void FinalReport::TakeValidation(std::span<const std::uint32_t> rows, const OutputView& outputs) {
  if (batches_.test.rows == 0) Count(batches_.validation, rows, outputs);
  Take(batches_.validation, rows, outputs, predictions_.validation);
}

void FinalReport::TakeTest(std::span<const std::uint32_t> rows, const OutputView& outputs) {
  Count(batches_.test, rows, outputs);
  Take(batches_.test, rows, outputs, predictions_.test);
}

void FinalReport::Count(const Batches& part, std::span<const std::uint32_t> rows,
                        const OutputView& outputs) {
  if (!HasFigures()) return;
  for (std::size_t r = 0; r < outputs.shape.rows; ++r) {
    const float* answers = outputs.at + r * outputs.shape.stride;
    if (batches_.is_regression) {
      errors_.push_back({.row = NumberOf(part, rows[r]),
                         .target = RealTarget(outputs.labels[r]),
                         .predicted = batches_.target.Predicted(answers[0])});
    } else {
      confusion_.Add(static_cast<std::size_t>(outputs.labels[r]),
                     static_cast<std::size_t>(AnswerOf(answers, outputs.outputs)));
    }
  }
}

void FinalReport::Take(const Batches& part, std::span<const std::uint32_t> rows,
                       const OutputView& outputs, PartPredictions& into) const {
  if (!config_.keeps_predictions) return;
  const auto targets = static_cast<std::uint32_t>(outputs.shape.rows / rows.size());
  for (const std::uint32_t row : rows) {
    for (std::uint32_t i = 0; i < targets; ++i) {
      into.rows.push_back(NumberOf(part, row) * targets + i);
    }
  }
  if (batches_.is_regression) return TakeTargets(batches_.target, outputs, into);
  into.labels.insert(into.labels.end(), outputs.labels.begin(), outputs.labels.end());
  const std::size_t before = into.outputs.size();
  into.outputs.resize(before + outputs.shape.rows * outputs.outputs);
  SoftmaxProbabilities(outputs.shape, outputs.outputs, outputs.at, into.outputs.data() + before);
}

std::string FinalReport::Finish(const Origin& origin) {
  if (folder_ && (config_.keeps_predictions || HasFigures())) MakeFolder(*folder_);
  if (config_.keeps_predictions) {
    predictions_.training = origin.training;
    predictions_.arithmetic = origin.arithmetic;
    predictions_.data = batches_.name;
    predictions_.epoch = origin.epoch;
    predictions_.iteration = origin.iteration;
    predictions_.class_names = batches_.class_names;
    predictions_.is_regression = batches_.is_regression;
    predictions_.outputs = batches_.classes;
    WritePredictions(*folder_ / kPredictionsFile, predictions_);
  }
  return HasFigures() ? Figures() : "";
}

std::string FinalReport::Figures() const {
  const std::string part = batches_.test.rows > 0 ? "test" : "validation";
  const FiguresSource source{.part = part, .class_names = batches_.class_names};
  if (folder_) {
    const Json figures =
        batches_.is_regression ? ErrorFiguresJson(part, errors_) : FiguresJson(confusion_, source);
    WriteDurably(*folder_ / kFiguresFile, DumpJson(figures) + "\n");
  }
  return batches_.is_regression ? ErrorFiguresText(part, errors_)
                                : FiguresTable(confusion_, source);
}

}  // namespace ddl
