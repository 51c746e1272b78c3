// SPDX-License-Identifier: Apache-2.0
// Tables of numbers and categories as text: one column is the label.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/record_source.h"

namespace ddl {

enum class MissingValues : std::uint8_t { kError, kMean, kDrop };

struct CsvFormat {
  std::string label;               // a column; empty: the last one
  std::optional<bool> has_header;  // none: a first row with a text in a column of numbers is one
  char delimiter = ',';
  // Columns by name, or by number from 1.
  std::vector<std::string> categories;  // become a feature for each of their values
  std::vector<std::string> ignored;
  std::size_t most_categories = 100;  // of one column
  MissingValues missing = MissingValues::kError;
  bool has_real_targets = false;  // labels are numbers to be predicted
};

// Reads a training file once to learn its columns, and again for its rows; no more than a few rows
// are in memory. Labels that are all whole numbers below 65,536 stand for themselves; others are
// numbered in the order of their sorted names, and so are categories. A missing number becomes the
// mean of the training file's column where the format says so, a missing category none of its
// features. Throws Error "file:line" for a wrong number of fields, a number that is none or not
// finite, a missing value, an open quote, a class or category that the training file lacks, and for
// columns that are not there. `test` may be "".
[[nodiscard]] std::unique_ptr<RecordSource> OpenCsv(const std::string& train,
                                                    const std::string& test, CsvFormat format);

}  // namespace ddl
