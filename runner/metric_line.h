// SPDX-License-Identifier: Apache-2.0
// Which lines of a trial are metrics: a JSON object of numbers (NaN, Infinity and booleans count),
// or what a capture pattern finds. Everything else is log. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/ids.h"
#include "configs/spec.h"

namespace ddl {

inline constexpr std::size_t kMaxMetricLine = std::size_t{64} << 10U;
// So much of a line is searched for captures: std::regex takes almost a kilobyte of stack a letter,
// and time by the square of the letters.
inline constexpr std::size_t kMaxCaptureLine = 2048;
inline constexpr std::size_t kMaxMetricName = 1024;  // what has a longer one is log

struct MetricLine {
  std::optional<std::int64_t> step;
  std::vector<std::pair<std::string, double>> values;
  bool is_text = false;  // found by a capture: the line is log as well
  bool operator==(const MetricLine&) const = default;
};

class MetricParser {
 public:
  // Patterns were checked with the spec; one that does not compile here never matches.
  explicit MetricParser(const std::vector<Capture>& captures);

  [[nodiscard]] std::optional<MetricLine> Parse(std::string_view line) const;

 private:
  struct Pattern {
    std::string metric;
    std::regex regex;
  };
  [[nodiscard]] std::optional<MetricLine> ParseObject(std::string_view line) const;
  [[nodiscard]] std::optional<MetricLine> ParseCaptures(std::string_view line) const;

  std::vector<Pattern> patterns_;
};

}  // namespace ddl
