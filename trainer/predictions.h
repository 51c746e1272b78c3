// SPDX-License-Identifier: Apache-2.0
// What a trained model says of every validation and test row, in a file of its own: what ensembles
// and comparisons of trials are made of. The layout is sealed_file.h's with magic "ddl pred"; the
// body is, for the validation rows and then for the test rows,
//
//   u32 row[n] | i32 label[n], or f32 target[n] | f32 output[n * outputs]
//
// 8 + 4 * outputs bytes a row. Single precision, so that figures made of the file are those that
// the trial reported. Written aside, synced, then renamed: a file is whole or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace ddl {

// Rows are named as the data set numbers them, from 0: those of validation among the training rows
// that the split drew from, tokens of a text by their place in their part. They ascend, so that the
// files of two trials can be matched in one pass.
struct PartPredictions {
  std::vector<std::uint32_t> rows;
  std::vector<std::int32_t> labels;  // classes, each below `outputs`
  std::vector<float> targets;        // of a regression, in place of labels
  std::vector<float> outputs;        // [rows, outputs]: probabilities, or the predicted target

  bool operator==(const PartPredictions&) const = default;
};

struct Predictions {
  std::string training;    // what was trained, as checkpoints say it
  std::string arithmetic;  // library and instruction set
  std::string data;        // name of the data set
  std::uint64_t epoch = 0;
  std::uint64_t iteration = 0;
  std::vector<std::string> class_names;  // none: classes are just numbers
  bool is_regression = false;
  std::size_t outputs = 0;
  PartPredictions validation;
  PartPredictions test;

  bool operator==(const Predictions&) const = default;
};

// Of a file with so many rows in all, but for its header.
[[nodiscard]] std::uint64_t PredictionBytes(std::size_t rows, std::size_t outputs);

// Throws Error when the file cannot be written; what stood under the name before stays.
void WritePredictions(const std::filesystem::path& path, const Predictions& predictions);

struct DamagedPredictions {
  std::string why;
};

// Whole and consistent, or damaged: rows ascend, labels are classes, probabilities lie in [0, 1]
// and add up to 1 but for rounding, other numbers are finite. Never throws for what the file holds.
[[nodiscard]] std::variant<Predictions, DamagedPredictions> ReadPredictions(
    const std::filesystem::path& path);

}  // namespace ddl
