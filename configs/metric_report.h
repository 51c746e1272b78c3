// SPDX-License-Identifier: Apache-2.0
// One report of metrics: one line of a trial.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "configs/ids.h"

namespace ddl {

struct MetricReport {
  std::int64_t seq = 0;  // 1, 2, 3, … within the rank
  std::int64_t step = 0;
  std::int64_t elapsed_ms = 0;  // since the trial's start
  std::vector<std::pair<std::string, double>> values;
  bool operator==(const MetricReport&) const = default;
};

}  // namespace ddl
