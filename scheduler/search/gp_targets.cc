// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_targets.h"

#include <algorithm>
#include <cmath>

namespace ddl {

GpTargets GpTargetsOf(const std::vector<double>& values, double shift) {
  Eigen::VectorXd raw = Eigen::Map<const Eigen::VectorXd>(values.data(), std::ssize(values));
  double log_slope = 0;
  if (shift != kNoShift) {
    raw = (raw.array() - raw.minCoeff() + shift).log();
    log_slope = -raw.sum();
  }
  raw.array() -= raw.mean();
  const double deviation = std::sqrt(raw.squaredNorm() / static_cast<double>(raw.size()));
  if (!(deviation > 0)) return {Eigen::VectorXd::Zero(raw.size()), 0};
  return {raw / deviation, log_slope - static_cast<double>(raw.size()) * std::log(deviation)};
}

std::vector<double> GpShifts(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const double middle = sorted[sorted.size() / 2] - sorted.front();
  std::vector<double> shifts{kNoShift};
  if (middle > 0) shifts.insert(shifts.end(), {middle, middle / 10});
  return shifts;
}

}  // namespace ddl
