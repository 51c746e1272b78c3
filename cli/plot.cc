// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "cli/canvas.h"
#include "cli/format.h"

namespace ddl {

namespace {

constexpr int kNarrowest = 32;  // below this, axes would take a third of the width

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool IsEmpty() const { return low > high; }
  // The dot of 0 … dots - 1 at which a value lies; halves first, so that no difference overflows.
  [[nodiscard]] int Dot(double value, int dots) const {
    const double span = high / 2 - low / 2;
    const double share = span > 0 ? (value / 2 - low / 2) / span : 0.5;
    return static_cast<int>(std::lround(share * (dots - 1)));
  }
};

struct Frame {
  Range x;
  Range y;
};

bool IsDrawable(const PlotPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y);
}

Frame FrameOf(std::span<const Series> all) {
  Frame frame;
  for (const Series& series : all) {
    for (const PlotPoint& point : series.points) {
      if (!IsDrawable(point)) continue;
      frame.x.Take(point.x);
      frame.y.Take(point.y);
    }
  }
  return frame;
}

void DrawSeries(Canvas& canvas, const Frame& frame, const Series& series, std::size_t index) {
  struct Place {
    int x;
    int y;
  };
  std::optional<Place> before;
  for (const PlotPoint& point : series.points) {
    if (!IsDrawable(point)) {
      before.reset();
      continue;
    }
    const Place here{frame.x.Dot(point.x, canvas.Width()),
                     canvas.Height() - 1 - frame.y.Dot(point.y, canvas.Height())};
    const Place from = before.value_or(here);
    canvas.Draw(from.x, from.y, here.x, here.y, index);
    before = here;
  }
}

// The labels of the rows that have one: top, middle and bottom.
std::vector<std::string> RowLabels(const Range& y, int rows) {
  std::vector<std::string> labels(static_cast<std::size_t>(rows));
  labels.front() = FormatValue(y.high);
  labels.back() = FormatValue(y.low);
  if (rows >= 5 && y.low < y.high) {
    const int middle = rows / 2;
    const double share = 1 - static_cast<double>(middle) / (rows - 1);
    labels[static_cast<std::size_t>(middle)] = FormatValue(y.low + share * (y.high - y.low));
  }
  return labels;
}

struct AxisMarks {
  std::string_view tick;
  std::string_view side;
  std::string_view corner;
  std::string_view floor;
};

AxisMarks MarksOf(const Terminal& terminal) {
  return terminal.utf8 ? AxisMarks{"┤", "│", "└", "─"} : AxisMarks{"|", "|", "+", "-"};
}

// The x axis' numbers below its ends, and the label between them where it fits.
std::string FloorLabels(const Range& x, const std::string& label, int columns) {
  const std::string low = FormatValue(x.low);
  if (x.low == x.high) return low + (label.empty() ? "" : " " + label);
  const std::string high = FormatValue(x.high);
  const int room = columns - DisplayWidth(low) - DisplayWidth(high);
  const int side = (room - DisplayWidth(label)) / 2;
  if (side < 1) return low + PadLeft(high, std::max(columns - DisplayWidth(low), 0));
  const std::string middle = std::string(static_cast<std::size_t>(side), ' ') + label;
  return low + PadRight(middle, room) + high;
}

std::vector<std::string> Sparklines(std::span<const Series> all, const Terminal& terminal) {
  std::vector<std::string> lines;
  for (const Series& series : all) {
    std::vector<double> values;
    values.reserve(series.points.size());
    for (const PlotPoint& point : series.points) {
      values.push_back(point.y);
    }
    const std::string label = Fit(series.label, terminal.width / 2, CutMark(terminal));
    const int room = std::max(1, terminal.width - DisplayWidth(label) - 1);
    lines.push_back(label + " " + Sparkline(values, room, terminal.utf8));
  }
  return lines;
}

std::vector<std::string> Footer(const Canvas& canvas, const Range& x, const std::string& label,
                                const Terminal& terminal) {
  const AxisMarks marks = MarksOf(terminal);
  std::string floor(marks.corner);
  for (int i = 0; i < canvas.Columns(); ++i) {
    floor += marks.floor;
  }
  return {floor, " " + FloorLabels(x, label, canvas.Columns())};
}

std::vector<std::string> Legend(const Canvas& canvas, std::span<const Series> series,
                                const Terminal& terminal) {
  std::vector<std::string> lines;
  if (series.size() < 2) return lines;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::string line = fmt::format("{} {}", canvas.Sample(i, terminal), series[i].label);
    lines.push_back(Fit(line, canvas.Columns(), CutMark(terminal)));
  }
  return lines;
}

}  // namespace

std::vector<std::string> PlotLines(std::span<const Series> series, const PlotOptions& options,
                                   const Terminal& terminal) {
  const Frame frame = FrameOf(series);
  if (frame.x.IsEmpty()) return {};
  if (terminal.width < kNarrowest) return Sparklines(series, terminal);
  const std::vector<std::string> labels = RowLabels(frame.y, options.rows);
  int margin = 0;
  for (const std::string& label : labels) {
    margin = std::max(margin, DisplayWidth(label));
  }
  const bool told_apart = series.size() == 1 || terminal.color;
  Canvas canvas(terminal.width - margin - 3, options.rows,
                terminal.utf8 && told_apart ? Ink::kBraille : Ink::kMarkers);
  for (std::size_t i = series.size(); i-- > 0;) {
    DrawSeries(canvas, frame, series[i], i);
  }

  std::vector<std::string> lines;
  if (!options.y_label.empty()) {
    lines.push_back(Fit(options.y_label, terminal.width, CutMark(terminal)));
  }
  const AxisMarks marks = MarksOf(terminal);
  for (int row = 0; row < options.rows; ++row) {
    const std::string& label = labels[static_cast<std::size_t>(row)];
    lines.push_back(fmt::format("{} {}{}", PadLeft(label, margin),
                                label.empty() ? marks.side : marks.tick,
                                canvas.Row(row, terminal)));
  }
  for (const std::string& line : Footer(canvas, frame.x, options.x_label, terminal)) {
    lines.push_back(std::string(static_cast<std::size_t>(margin) + 1, ' ') + line);
  }
  for (const std::string& line : Legend(canvas, series, terminal)) {
    lines.push_back(std::string(static_cast<std::size_t>(margin) + 2, ' ') + line);
  }
  return lines;
}

std::string Sparkline(std::span<const double> values, int columns, bool utf8) {
  static constexpr std::string_view kBlocks = "▁▂▃▄▅▆▇█";  // three bytes each
  static constexpr std::string_view kAscii = "_.,-=+*#";
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite),
                       [](double value) { return std::isfinite(value); });
  if (finite.empty() || columns < 1) return {};
  const std::size_t shown = std::min(finite.size(), static_cast<std::size_t>(columns));
  std::vector<double> means;
  Range range;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t begin = i * finite.size() / shown;
    const std::size_t end = (i + 1) * finite.size() / shown;
    double mean = 0;
    for (std::size_t at = begin; at < end; ++at) {
      mean += finite[at] / static_cast<double>(end - begin);
    }
    means.push_back(mean);
    range.Take(mean);
  }
  std::string line;
  for (const double mean : means) {
    const auto level = static_cast<std::size_t>(range.Dot(mean, 8));
    line += utf8 ? kBlocks.substr(level * 3, 3) : kAscii.substr(level, 1);
  }
  return line;
}

}  // namespace ddl
