// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/csv_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

std::optional<std::vector<std::string>> CsvRows::Next() {
  while (rest_.starts_with('\n') || rest_.starts_with("\r\n")) {
    rest_.remove_prefix(rest_.front() == '\n' ? 1 : 2);
    ++line_;
  }
  if (rest_.empty()) return std::nullopt;
  begin_ = line_;
  std::vector<std::string> fields;
  for (bool ends_row = false; !ends_row;) {
    fields.push_back(Field(ends_row));
  }
  return fields;
}

// Up to the comma or the line end behind it, which it takes too.
std::string CsvRows::Field(bool& ends_row) {
  std::string field;
  if (rest_.starts_with('"')) {
    rest_.remove_prefix(1);
    while (true) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        throw Error("a quote is not closed", Place(), "close it, or write \"\" for a quote");
      }
      field += rest_.substr(0, quote);
      line_ += std::ranges::count(rest_.substr(0, quote), '\n');
      rest_.remove_prefix(quote + 1);
      if (!rest_.starts_with('"')) break;
      field += '"';
      rest_.remove_prefix(1);
    }
  }
  const std::size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
  std::string_view plain = rest_.substr(0, end);
  ends_row = end == rest_.size() || rest_[end] == '\n';
  if (ends_row && plain.ends_with('\r')) plain.remove_suffix(1);
  if (ends_row) ++line_;
  field += plain;
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  // A comma at the very end has an empty field behind it.
  if (!ends_row && rest_.empty()) rest_ = "\n";
  return field;
}

std::string CsvRows::Place() const {
  return fmt::format("{}:{}", where_, begin_);
}

}  // namespace ddl
