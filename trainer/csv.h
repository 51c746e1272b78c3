// SPDX-License-Identifier: Apache-2.0
// Tables of numbers as text (RFC 4180): one row a line, one column the label.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainer/dataset_memory.h"

namespace ddl {

struct CsvFormat {
  std::string label;               // name of the label's column; empty: the last one
  std::optional<bool> has_header;  // none: a first row with a text among its features is one
  char delimiter = ',';
};

struct CsvTable {
  std::vector<std::string> columns;  // of the features; empty without a header
  std::size_t features = 0;
  std::vector<float> values;        // [rows, features]
  std::vector<std::string> labels;  // as written
  std::vector<std::size_t> lines;   // of each row, from 1
};

// Throws Error "file:line" for a wrong number of fields, a feature that is no finite number, an
// open quote, or a label column that is not there.
[[nodiscard]] CsvTable ReadCsvTable(const std::string& path, const CsvFormat& format);

// Labels that are all whole numbers stand for themselves; others are numbered in the order of
// their sorted names. `test` may be empty; a label that training rows lack is an Error.
[[nodiscard]] ReadData DataOf(const CsvTable& train, const std::string& train_path,
                              const CsvTable& test, const std::string& test_path);

// The same of real targets. A label that is no finite number is an Error.
[[nodiscard]] ReadData RegressionOf(const CsvTable& train, const std::string& train_path,
                                    const CsvTable& test, const std::string& test_path);

}  // namespace ddl
