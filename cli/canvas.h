// SPDX-License-Identifier: Apache-2.0
// A grid of terminal cells on which lines are drawn: in braille dots, two by four a cell, or with
// one marker character a series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

enum class Ink : std::uint8_t { kBraille, kMarkers };

class Canvas {
 public:
  // In terminal cells, both positive.
  Canvas(int columns, int rows, Ink ink);

  [[nodiscard]] int Columns() const { return columns_; }
  // Dots that can be drawn on: x from 0 to the right, y from 0 downwards.
  [[nodiscard]] int Width() const { return columns_ * dots_x_; }
  [[nodiscard]] int Height() const { return rows_ * dots_y_; }

  // A straight line from dot to dot, both within the canvas. A cell that several series cross
  // takes the look of the one drawn last.
  void Draw(int x0, int y0, int x1, int y1, std::size_t series);
  [[nodiscard]] std::string Row(int row, const Terminal& terminal) const;
  // What a series is drawn with, for a legend.
  [[nodiscard]] std::string Sample(std::size_t series, const Terminal& terminal) const;

 private:
  struct Spot {
    std::uint8_t dots = 0;
    std::size_t series = 0;
  };
  [[nodiscard]] std::size_t Index(int column, int row) const;
  void Dot(int x, int y, std::size_t series);
  [[nodiscard]] std::string Glyph(const Spot& spot) const;

  int columns_;
  int rows_;
  Ink ink_;
  int dots_x_;
  int dots_y_;
  std::vector<Spot> spots_;
};

}  // namespace ddl
