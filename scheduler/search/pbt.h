// SPDX-License-Identifier: Apache-2.0
// Population based training (Jaderberg et al., 2017): what a member of a population trains with is
// chosen anew while it trains. Of a member that is among the worst at the end of a segment nothing
// is kept: it goes on from the checkpoint of one of the best, with values near to those.
#pragma once

#include <memory>

#include "configs/pbt_settings.h"
#include "scheduler/search/adaptive_search.h"

namespace ddl {

// Configuration n may be asked for once more than n mod population of the generation before its own
// have been told (core_lineage.cc waits for it); another question is answered by nothing. A problem
// with several objectives is one of the first. Draws of number n follow from (seed, n).
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakePbt(SearchProblem problem,
                                                      const PbtSettings& settings);

}  // namespace ddl
