// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

// The tree-structured Parzen estimator: proposes what is likely among the good trials and unlikely
// among the others. docs/search.md tells its settings, sources and limits. Any space, any number of
// objectives.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeTpe(SearchProblem problem);

}  // namespace ddl
