// SPDX-License-Identifier: Apache-2.0
// The rows of a data set as a reader hands them over, some at a time, so that a source of any size
// is prepared in little memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trainer/dataset.h"
#include "trainer/dataset_memory.h"

namespace ddl {

enum class DataPart : std::uint8_t { kTrain, kTest };

// What is known before the first row is read.
struct RecordFormat {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t classes = 0;
  std::vector<std::string> class_names;
  std::vector<std::string> feature_names;  // of columns; empty: numbers
  std::string identity;                    // of rows that are made up; empty: that of their values
  bool has_real_targets = false;           // labels are their bits, see target.h; `classes` is 1
  bool is_bytes = false;
  bool is_text = false;  // rows are tokens, without labels
  std::size_t train_rows = 0;
  std::size_t test_rows = 0;

  // Values a row. The largest number where that overflows.
  [[nodiscard]] std::size_t Features() const;
  [[nodiscard]] std::size_t Rows(DataPart part) const {
    return part == DataPart::kTrain ? train_rows : test_rows;
  }
};

class RecordSource {
 public:
  // Gets rows that are valid during the call. Of a text, labels are empty.
  using Take = std::function<void(const Split& rows)>;

  RecordSource() = default;
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;
  virtual ~RecordSource() = default;

  [[nodiscard]] virtual const RecordFormat& Format() const = 0;
  // All rows of a part in their order. May be called again. Throws Error with file and row.
  virtual void Read(DataPart part, const Take& take) = 0;
  // The file of a part, for errors.
  [[nodiscard]] virtual std::string Where(DataPart part) const = 0;
};

// How many rows of so many bytes are read at a time.
[[nodiscard]] std::size_t RowsAtATime(std::size_t row_bytes);

// Rows that a reader has in memory, read from `where`.
[[nodiscard]] std::unique_ptr<RecordSource> SourceOf(ReadData data, std::string where);

// All rows in memory, checked by RecordCheck. Their identity is that of the same rows packed.
[[nodiscard]] ReadData ReadAll(RecordSource& source);

}  // namespace ddl
