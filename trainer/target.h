// SPDX-License-Identifier: Apache-2.0
// What a row is to be answered with: the number of a class or, of a regression, a real number. Both
// have 32 bits and travel as std::int32_t, so that files, splits and batches are the same for both;
// a real target is the bits of a float.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace ddl {

[[nodiscard]] inline float RealTarget(std::int32_t label) {
  return std::bit_cast<float>(label);
}
[[nodiscard]] inline std::int32_t LabelOfTarget(float target) {
  return std::bit_cast<std::int32_t>(target);
}
[[nodiscard]] inline bool IsFiniteTarget(std::int32_t label) {
  return std::isfinite(RealTarget(label));
}

// A network answers in deviations from the mean of the training rows' targets.
struct TargetScale {
  double mean = 0.0;
  double deviation = 1.0;  // above 0

  // In the target's own unit, rounded to a float: what files hold and figures are made of.
  [[nodiscard]] float Predicted(float answer) const {
    return static_cast<float>(static_cast<double>(answer) * deviation + mean);
  }
};

}  // namespace ddl
