// SPDX-License-Identifier: Apache-2.0
// The mean and deviation of the targets that a training sees.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include "trainer/target.h"

namespace ddl {

// Calls its argument with the label of every training row, always in the same order.
using VisitLabels = std::function<void(const std::function<void(std::int32_t label)>& take)>;

// Visits twice. A deviation of 0 becomes 1: one target for all rows is learnt as it is.
[[nodiscard]] inline TargetScale MeasureTargets(const VisitLabels& visit) {
  double sum = 0.0;
  double count = 0.0;
  visit([&](std::int32_t label) {
    sum += static_cast<double>(RealTarget(label));
    count += 1.0;
  });
  const double mean = sum / count;
  double squares = 0.0;
  visit([&](std::int32_t label) {
    const double off = static_cast<double>(RealTarget(label)) - mean;
    squares += off * off;
  });
  const double deviation = std::sqrt(squares / count);
  return {.mean = mean, .deviation = deviation > 0.0 ? deviation : 1.0};
}

}  // namespace ddl
