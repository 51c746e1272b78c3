// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_improvement.h"

#include <cmath>
#include <numbers>

namespace ddl {

namespace {

const double kLogRoot2Pi = 0.5 * std::log(2 * std::numbers::pi);

double NormalShareBelow(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

// What follows t in t + 1/(t + 2/(t + 3/...))'s first step: Mills' ratio of t is 1/(t + tail).
double MillsTail(double t) {
  constexpr int kTerms = 200;  // from t = 2 on, to rounding
  double tail = 0;
  for (int k = kTerms; k >= 1; --k)
    tail = k / (t + tail);
  return tail;
}

}  // namespace

LogImprovement LogExpectedImprovement(double z) {
  constexpr double kTailBegins = -2;
  if (z > kTailBegins) {
    const double density = std::exp(-z * z / 2 - kLogRoot2Pi);
    const double below = NormalShareBelow(z);
    const double improvement = density + z * below;
    return {std::log(improvement), below / improvement};
  }
  const double t = -z;
  const double tail = MillsTail(t);
  // The density times tail / (t + tail): 1 less t times Mills' ratio, without the difference.
  return {-z * z / 2 - kLogRoot2Pi + std::log(tail / (t + tail)), 1 / tail};
}

}  // namespace ddl
