// SPDX-License-Identifier: Apache-2.0
// How much better than the best a point promises to be.
#pragma once

namespace ddl {

// log of E[max(z + N, 0)], N standard normal, with its slope; exact to rounding from -1e8 to 1e8.
// S. Ament and others, "Unexpected improvements to expected improvement for Bayesian optimization"
// (2023), with Mills' ratio as a continued fraction.
struct LogImprovement {
  double value = 0;
  double slope = 0;
};
[[nodiscard]] LogImprovement LogExpectedImprovement(double z);

}  // namespace ddl
