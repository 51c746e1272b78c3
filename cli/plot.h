// SPDX-License-Identifier: Apache-2.0
// Learning curves in the terminal.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

struct PlotPoint {
  double x = 0;
  double y = 0;
};

struct Series {
  std::string label;
  std::vector<PlotPoint> points;  // x rising; those that are not finite leave a gap
};

struct PlotOptions {
  int rows = 10;  // of the drawing, without axes and legend
  std::string x_label;
  std::string y_label;
};

// A line plot with axes as wide as the terminal, and a legend when there are several series; the
// first one is drawn on top. Braille where the terminal can show it and several lines can be told
// apart, else markers. No lines when there is nothing to draw; a sparkline a series when the
// terminal is too narrow for axes.
[[nodiscard]] std::vector<std::string> PlotLines(std::span<const Series> series,
                                                 const PlotOptions& options,
                                                 const Terminal& terminal);

// At most `columns` characters, each the mean of its share of the values. Not finite ones are
// passed over.
[[nodiscard]] std::string Sparkline(std::span<const double> values, int columns, bool utf8);

}  // namespace ddl
