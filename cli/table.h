// SPDX-License-Identifier: Apache-2.0
// Plain aligned tables that fit the terminal. A number is never cut: its column is shown whole or
// left out. Outside a terminal nothing is cut or left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

struct Column {
  std::string title;
  bool is_number = false;  // right-aligned; only its title may be shortened
  int drop = 0;   // 0: always there; of the others the highest goes first when it is narrow
  int least = 8;  // columns that a text keeps when it is shortened
};

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void AddRow(std::vector<Cell> cells);
  [[nodiscard]] bool IsEmpty() const { return rows_.empty(); }
  // Columns that the whole table takes when nothing is cut.
  [[nodiscard]] int NaturalWidth() const;
  // The header, the rows and, where columns were left out, a line that names them.
  [[nodiscard]] std::vector<std::string> Lines(const Terminal& terminal) const;

 private:
  // One width a column; -1: left out.
  using Widths = std::vector<int>;
  [[nodiscard]] Widths NaturalWidths() const;
  [[nodiscard]] Widths FittingWidths(int room) const;
  [[nodiscard]] int LeastWidth(std::size_t column, int most_title) const;
  void Shrink(Widths& widths, int room, int most_title) const;
  [[nodiscard]] std::string Line(const std::vector<Cell>& cells, const Widths& widths,
                                 const Terminal& terminal) const;
  [[nodiscard]] std::string HiddenNote(const Widths& widths, const Terminal& terminal) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace ddl
