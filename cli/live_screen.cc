// SPDX-License-Identifier: Apache-2.0
#include "cli/live_screen.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/output.h"

namespace ddl {

namespace {

// A terminal that became narrower has wrapped what was on it.
int RowsTaken(std::span<const std::string> lines, int columns) {
  int rows = 0;
  for (const std::string& line : lines) {
    rows += std::max(1, (DisplayWidth(line) + columns - 1) / columns);
  }
  return rows;
}

std::string UpBy(int rows) {
  return rows > 0 ? fmt::format("\x1b[{}A\r", rows) : "\r";
}

// Erasing after a line that fills the last column would erase its last character.
std::string LineText(const std::string& line, int columns) {
  return line + (DisplayWidth(line) < columns ? "\x1b[K\r\n" : "\r\n");
}

}  // namespace

std::string Repaint(std::span<const std::string> shown, std::span<const std::string> wanted,
                    int columns_then, int columns_now) {
  if (columns_then == columns_now && std::ranges::equal(shown, wanted)) return {};
  std::string text = UpBy(RowsTaken(shown, columns_now));
  const bool from_scratch = columns_then != columns_now;
  if (from_scratch) text += "\x1b[J";
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool same = !from_scratch && i < shown.size() && shown[i] == wanted[i];
    text += same ? "\r\n" : LineText(wanted[i], columns_now);
  }
  if (wanted.size() < shown.size()) text += "\x1b[J";
  return text;
}

void LiveScreen::Draw(std::vector<std::string> lines, const Terminal& terminal) {
  const int before = std::exchange(columns_, terminal.width);
  Write(Repaint(shown_, lines, shown_.empty() ? columns_ : before, columns_));
  shown_ = std::move(lines);
}

void LiveScreen::Print(std::string_view line) {
  std::string text = UpBy(RowsTaken(shown_, columns_)) + "\x1b[J" + std::string(line) + "\r\n";
  for (const std::string& shown : shown_) {
    text += LineText(shown, columns_);
  }
  Write(text);
}

void LiveScreen::Clear() {
  if (!shown_.empty()) Write(UpBy(RowsTaken(shown_, columns_)) + "\x1b[J");
  shown_.clear();
}

// A screen that cannot be written is no reason to stop a sweep: what does not go out is dropped.
void LiveScreen::Write(std::string_view text) const {
  WriteOrDrop(fd_, text);
}

}  // namespace ddl
