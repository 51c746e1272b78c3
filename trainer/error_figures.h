// SPDX-License-Identifier: Apache-2.0
// The figures at the end of a regression that do not fit a metric line: how large errors are, and
// which rows have the largest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/json.h"

namespace ddl {

// In the target's unit.
struct RowError {
  std::uint32_t row = 0;
  float target = 0.0F;
  float predicted = 0.0F;

  [[nodiscard]] double Distance() const;
};

inline constexpr std::size_t kMostLargestErrors = 20;

// {"part", "rows", "rmse", "mae", "r2", "quantiles": {"0.5", "0.9", "0.99", "1"}, "largest":
// [{"row", "target", "predicted"}]}. A quantile is the smallest distance that so large a share of
// the rows does not exceed; r2 is null where all targets are one. `errors` is not empty.
[[nodiscard]] Json ErrorFiguresJson(const std::string& part, const std::vector<RowError>& errors);

// The same for people, on three lines.
[[nodiscard]] std::string ErrorFiguresText(const std::string& part,
                                           const std::vector<RowError>& errors);

}  // namespace ddl
