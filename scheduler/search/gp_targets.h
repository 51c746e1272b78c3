// SPDX-License-Identifier: Apache-2.0
// Values as a Gaussian process likes them.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace ddl {

// In the same order, mean 0 and variance 1 (all alike: zeros): the values themselves, or the
// logarithms of how far they are above the least, plus a shift. The latter suit values of which a
// few are huge beside the others (after G. E. P. Box, D. R. Cox, "An analysis of transformations",
// 1964).
struct GpTargets {
  Eigen::VectorXd targets;
  double log_slope = 0;  // sum of the logarithms of the targets' slopes by the values
};

inline constexpr double kNoShift = 0;  // the values themselves

[[nodiscard]] GpTargets GpTargetsOf(const std::vector<double>& values, double shift);
// Shifts worth trying, the plain one first.
[[nodiscard]] std::vector<double> GpShifts(const std::vector<double>& values);

}  // namespace ddl
