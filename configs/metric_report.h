// SPDX-License-Identifier: Apache-2.0
// One report of metrics: one line of a trial.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/ids.h"

namespace ddl {

// What the built-in trainer tells of its speed, and a program may tell too: screens and reports
// know these names.
inline constexpr std::string_view kSamplesPerSecond = "samples_per_s";
inline constexpr std::string_view kGflops = "gflops";
inline constexpr std::string_view kPercentOfLimit = "percent_of_limit";

struct MetricReport {
  std::int64_t seq = 0;  // 1, 2, 3, … within the rank
  std::int64_t step = 0;
  std::int64_t elapsed_ms = 0;  // since the trial's start
  std::vector<std::pair<std::string, double>> values;
  bool operator==(const MetricReport&) const = default;
};

}  // namespace ddl
