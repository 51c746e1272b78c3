// SPDX-License-Identifier: Apache-2.0
// CMA-ES as a search: generations by what has been told, so that it never waits for one; restarts
// with growing and with small populations (N. Hansen, "Benchmarking a BI-population CMA-ES on the
// BBOB-2009 function testbed", 2009).
#pragma once

#include <memory>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

// Ordered dimensions are one normal distribution, with a margin for steps; categories have
// probabilities of their own. An Error where there are several objectives.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeCmaes(SearchProblem problem);

}  // namespace ddl
