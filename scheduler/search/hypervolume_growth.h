// SPDX-License-Identifier: Apache-2.0
// How the volume that points dominate grew as they came.
#pragma once

#include <optional>
#include <vector>

#include "scheduler/search/pareto.h"

namespace ddl {

// After the first `count` points.
struct HypervolumeStep {
  std::size_t count = 0;
  double volume = 0;
};

// Of two objectives a step for each point that added to the volume; of more at most 32 steps,
// evenly spaced, and none where nothing was added. Nothing where that would take long: with a front
// of more than 1,000 points and three objectives, 100 and four, 40 and more than four.
[[nodiscard]] std::optional<std::vector<HypervolumeStep>> HypervolumeGrowth(
    const std::vector<Objectives>& points, const Objectives& reference);

// A reference that makes much of what the front is made of, and nothing of how bad the worst points
// were: the worst of the front in each objective, and a tenth of its range beyond. Ishibuchi et
// al., "How to specify a reference point in hypervolume calculation for fair performance
// comparison" (2018). In an objective in which the front has no range, that of all points counts.
// At least one point.
[[nodiscard]] Objectives ReferenceFor(const std::vector<Objectives>& points);

}  // namespace ddl
