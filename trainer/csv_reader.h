// SPDX-License-Identifier: Apache-2.0
// The rows of a table as text (RFC 4180, one row a line), read once from the front.
#pragma once

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ddl {

class CsvReader {
 public:
  // Throws Error naming the path when it cannot be read or is no file.
  CsvReader(const std::string& path, char delimiter);

  // The fields of the next line that is not blank, without quotes and surrounding blanks; false at
  // the end. A byte order mark at the very beginning is passed over. Throws Error "file:line" for
  // an open quote.
  bool Next();
  [[nodiscard]] const std::vector<std::string>& Fields() const { return fields_; }
  [[nodiscard]] std::string Where() const;  // "file:line", from 1

 private:
  void Split(std::string_view text);
  std::string_view TakePlain(std::string_view text);
  std::string_view TakeQuoted(std::string_view text);

  std::string path_;
  char delimiter_;
  std::ifstream file_;
  std::string line_;
  std::size_t number_ = 0;
  std::vector<std::string> fields_;
};

// Nothing for what is no number in floating point, such as "1x". Of numbers that a float cannot
// hold "1e-99" is zero and "1e99" infinite.
[[nodiscard]] std::optional<float> CsvNumber(std::string_view text);

// Empty, or one of ? NA N/A NaN null, in either case.
[[nodiscard]] bool IsMissing(std::string_view text);

}  // namespace ddl
