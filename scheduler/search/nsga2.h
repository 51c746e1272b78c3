// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

// The genetic search of Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II"
// (2002), without generations to wait for: each child has parents of the best that were told so
// far. docs/search.md tells its settings and limits. Any space; made for several objectives.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeNsga2(SearchProblem problem);

}  // namespace ddl
