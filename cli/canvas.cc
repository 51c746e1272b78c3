// SPDX-License-Identifier: Apache-2.0
#include "cli/canvas.h"

#include <array>
#include <cassert>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::string_view kMarkers = "*+xo#%";
constexpr std::array kColors{36, 33, 35, 32, 34, 31};

int ColorOf(std::size_t series) {
  return kColors.at(series % kColors.size());
}

// Bits of a braille character: two columns of four dots, as Unicode numbers them.
constexpr std::array<std::array<std::uint8_t, 4>, 2> kDotBits{
    {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};

// U+2800 with the dots set, as UTF-8.
std::string Braille(std::uint8_t dots) {
  return {'\xE2', static_cast<char>(0xA0U | (dots >> 6U)),
          static_cast<char>(0x80U | (dots & 0x3FU))};
}

}  // namespace

Canvas::Canvas(int columns, int rows, Ink ink)
    : columns_(columns),
      rows_(rows),
      ink_(ink),
      dots_x_(ink == Ink::kBraille ? 2 : 1),
      dots_y_(ink == Ink::kBraille ? 4 : 1) {
  assert(columns > 0 && rows > 0);
  spots_.resize(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
}

void Canvas::Dot(int x, int y, std::size_t series) {
  assert(x >= 0 && x < Width() && y >= 0 && y < Height());
  Spot& spot = spots_[Index(x / dots_x_, y / dots_y_)];
  spot.dots |=
      kDotBits.at(static_cast<std::size_t>(x % dots_x_)).at(static_cast<std::size_t>(y % dots_y_));
  spot.series = series;
}

std::size_t Canvas::Index(int column, int row) const {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
         static_cast<std::size_t>(column);
}

// Bresenham's line: the error term tells which axis moves next.
void Canvas::Draw(int x0, int y0, int x1, int y1, std::size_t series) {
  const int across = std::abs(x1 - x0);
  const int down = -std::abs(y1 - y0);
  int error = across + down;
  for (;;) {
    Dot(x0, y0, series);
    if (x0 == x1 && y0 == y1) return;
    const int twice = 2 * error;
    if (twice >= down) {
      error += down;
      x0 += x0 < x1 ? 1 : -1;
    }
    if (twice <= across) {
      error += across;
      y0 += y0 < y1 ? 1 : -1;
    }
  }
}

std::string Canvas::Glyph(const Spot& spot) const {
  if (ink_ == Ink::kBraille) return Braille(spot.dots);
  return {kMarkers[spot.series % kMarkers.size()]};
}

std::string Canvas::Row(int row, const Terminal& terminal) const {
  std::string text;
  std::size_t owed = 0;  // blanks before the next mark, so that no row ends in blanks
  int color = 0;
  for (int column = 0; column < columns_; ++column) {
    const Spot& spot = spots_[Index(column, row)];
    if (spot.dots == 0) {
      ++owed;
      continue;
    }
    text.append(std::exchange(owed, 0), ' ');
    if (terminal.color && color != ColorOf(spot.series)) {
      color = ColorOf(spot.series);
      text += fmt::format("\x1b[{}m", color);
    }
    text += Glyph(spot);
  }
  return color == 0 ? text : text + "\x1b[0m";
}

std::string Canvas::Sample(std::size_t series, const Terminal& terminal) const {
  const std::string glyph = Glyph({0x36, series});
  return terminal.color ? fmt::format("\x1b[{}m{}\x1b[0m", ColorOf(series), glyph) : glyph;
}

}  // namespace ddl
