// SPDX-License-Identifier: Apache-2.0
// What a terminal shows after it was sent a text: enough of one to look at what redrawing leaves.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/utf8.h"

namespace ddl::test {

class TinyTerminal {
 public:
  TinyTerminal(int width, int height) : width_(width), height_(height), rows_(1) {}

  void Send(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == '\x1b') {
        at = Escape(text, at + 2);
        continue;
      }
      const Character character = CharacterAt(text, at);
      Put(text.substr(at, character.bytes));
      at += character.bytes;
    }
  }

  // All rows that were ever on the screen, those that scrolled away first.
  [[nodiscard]] std::string Text() const {
    std::string text = "\n";
    for (const Row& row : rows_) {
      std::string line;
      for (const std::string& cell : row)
        line += cell.empty() ? " " : cell;
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  using Row = std::vector<std::string>;

  void Put(std::string_view character) {
    if (character == "\r") {
      column_ = 0;
    } else if (character == "\n") {
      NextRow();
    } else {
      if (column_ == width_) {
        column_ = 0;
        NextRow();
      }
      Row& row = rows_[row_];
      row.resize(std::max(row.size(), static_cast<std::size_t>(column_) + 1));
      row[static_cast<std::size_t>(column_++)] = character;
    }
  }

  void NextRow() {
    ++row_;
    if (row_ == rows_.size()) rows_.emplace_back();
  }

  std::size_t Escape(std::string_view text, std::size_t at) {
    const int number = std::atoi(std::string(text.substr(at)).c_str());
    while (text[at] < '@')
      ++at;
    if (text[at] == 'A') {
      const std::size_t top = rows_.size() - std::min(rows_.size(), Height());
      row_ -= std::min(row_ - top, static_cast<std::size_t>(number));
    }
    if (text[at] == 'K') EraseRight();
    if (text[at] == 'J') {
      EraseRight();
      rows_.resize(row_ + 1);
    }
    return at + 1;
  }

  void EraseRight() {
    // Where the cursor rests behind the last column, terminals erase that column.
    const int from = std::min(column_, width_ - 1);
    Row& row = rows_[row_];
    row.resize(std::min(row.size(), static_cast<std::size_t>(from)));
  }

  [[nodiscard]] std::size_t Height() const { return static_cast<std::size_t>(height_); }

  int width_;
  int height_;
  int column_ = 0;
  std::size_t row_ = 0;
  std::vector<Row> rows_;
};

}  // namespace ddl::test
