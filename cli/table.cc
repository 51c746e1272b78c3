// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ddl {

namespace {

constexpr int kGap = 2;
constexpr int kLeftOut = -1;
constexpr int kLastResort = 3;  // columns of a text or title when nothing more can be left out

int TotalWidth(const std::vector<int>& widths) {
  int total = -kGap;
  for (const int width : widths) {
    if (width != kLeftOut) total += width + kGap;
  }
  return total;
}

}  // namespace

void Table::AddRow(std::vector<Cell> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

int Table::NaturalWidth() const {
  return TotalWidth(NaturalWidths());
}

std::vector<std::string> Table::Lines(const Terminal& terminal) const {
  const Widths widths = terminal.is_terminal ? FittingWidths(terminal.width) : NaturalWidths();
  std::vector<Cell> titles;
  titles.reserve(columns_.size());
  for (const Column& column : columns_) {
    titles.push_back({column.title, Style::kBold});
  }
  std::vector<std::string> lines{Line(titles, widths, terminal)};
  for (const std::vector<Cell>& row : rows_) {
    lines.push_back(Line(row, widths, terminal));
  }
  if (std::ranges::count(widths, kLeftOut) > 0) lines.push_back(HiddenNote(widths, terminal));
  return lines;
}

Table::Widths Table::NaturalWidths() const {
  Widths widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(DisplayWidth(columns_[i].title));
    for (const std::vector<Cell>& row : rows_) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  return widths;
}

int Table::LeastWidth(std::size_t column, int most_title) const {
  const int least = std::min(columns_[column].least, most_title);
  if (!columns_[column].is_number) return least;
  int widest = std::min(DisplayWidth(columns_[column].title), least);
  for (const std::vector<Cell>& row : rows_) {
    widest = std::max(widest, DisplayWidth(row[column].text));
  }
  return widest;
}

// The widest column that still can gives first.
void Table::Shrink(Widths& widths, int room, int most_title) const {
  Widths least;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    least.push_back(LeastWidth(i, most_title));
  }
  while (TotalWidth(widths) > room) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] <= least[i]) continue;
      if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

Table::Widths Table::FittingWidths(int room) const {
  Widths natural = NaturalWidths();
  for (;;) {
    Widths widths = natural;
    Shrink(widths, room, room);
    if (TotalWidth(widths) <= room) return widths;
    std::size_t next = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (natural[i] == kLeftOut || columns_[i].drop == 0) continue;
      if (next == columns_.size() || columns_[i].drop >= columns_[next].drop) next = i;
    }
    if (next == columns_.size()) {
      Shrink(widths, room, kLastResort);
      return widths;
    }
    natural[next] = kLeftOut;
  }
}

std::string Table::Line(const std::vector<Cell>& cells, const Widths& widths,
                        const Terminal& terminal) const {
  std::string line;
  int skipped = 0;  // spaces owed before the next text, so that no line ends in spaces
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == kLeftOut) continue;
    const std::string text = Fit(cells[i].text, widths[i], CutMark(terminal));
    const int missing = widths[i] - DisplayWidth(text);
    if (columns_[i].is_number) skipped += missing;
    if (!text.empty()) {
      line.append(static_cast<std::size_t>(skipped), ' ');
      line += Painted(text, cells[i].style, terminal);
      skipped = 0;
    }
    skipped += kGap + (columns_[i].is_number ? 0 : missing);
  }
  return terminal.is_terminal ? Fit(line, terminal.width, CutMark(terminal)) : line;
}

std::string Table::HiddenNote(const Widths& widths, const Terminal& terminal) const {
  std::string note = "not shown here:";
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (widths[i] == kLeftOut) note += " " + columns_[i].title;
  }
  return Painted(Fit(note, terminal.width, CutMark(terminal)), Style::kDim, terminal);
}

}  // namespace ddl
