// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180) as rows of fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddl {

class CsvRows {
 public:
  // `where` names the file in errors.
  CsvRows(std::string_view text, std::string where) : rest_(text), where_(std::move(where)) {}

  // Nothing at the end; empty lines are no rows. Throws Error where quotes do not match.
  [[nodiscard]] std::optional<std::vector<std::string>> Next();
  // Where the row that Next gave begins: "FILE:LINE".
  [[nodiscard]] std::string Place() const;

 private:
  [[nodiscard]] std::string Field(bool& ends_row);

  std::string_view rest_;
  std::string where_;
  std::int64_t line_ = 1;
  std::int64_t begin_ = 1;
};

}  // namespace ddl
