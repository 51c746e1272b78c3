// SPDX-License-Identifier: Apache-2.0
// What the columns of a table are, learnt from its training file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "trainer/csv.h"
#include "trainer/csv_reader.h"

namespace ddl {

class CsvColumns {
 public:
  // Of the first row of a training file, at which `reader` stands.
  CsvColumns(const CsvFormat& format, const CsvReader& reader);

  // Whether this first row of a file names the columns; where it does and others are named than in
  // the training file, or where it has another number of them: Error.
  [[nodiscard]] bool IsHeader(const CsvReader& reader) const;

  // False for a row to be dropped. Throws Error for one that cannot be read.
  [[nodiscard]] bool IsKept(const CsvReader& reader) const;
  // From each row of the training file that is kept; Settle() after the last.
  void Learn(const CsvReader& reader);
  void Settle();

  [[nodiscard]] std::size_t Features() const;
  [[nodiscard]] std::vector<std::string> FeatureNames() const;  // none without a header
  [[nodiscard]] std::vector<std::string> ClassNames() const;    // none where labels are numbers
  [[nodiscard]] std::size_t Classes() const;
  // Writes a row's features to `out`, and returns its label, or the
  // bits of its target (trainer/target.h).
  std::int32_t Encode(const CsvReader& reader, std::span<float> out) const;

 private:
  struct Column {
    std::size_t field = 0;
    bool is_category = false;
    std::set<std::string> seen;           // while it learns
    std::vector<std::string> categories;  // sorted
    double sum = 0.0;
    std::size_t known = 0;
  };

  [[nodiscard]] std::size_t Find(const std::string& column, const CsvReader& reader) const;
  [[nodiscard]] std::int32_t LabelOf(const std::string& label, const CsvReader& reader) const;
  [[nodiscard]] float NumberOf(const Column& column, const CsvReader& reader) const;
  [[nodiscard]] std::string NameOf(std::size_t field) const;

  const CsvFormat& format_;
  std::vector<std::string> names_;  // of the header; empty: none
  std::size_t width_ = 0;
  std::size_t label_ = 0;
  std::vector<Column> columns_;
  std::set<std::string> labels_;
  std::vector<std::string> class_names_;
  std::size_t classes_ = 0;
};

}  // namespace ddl
