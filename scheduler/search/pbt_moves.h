// SPDX-License-Identifier: Apache-2.0
// How population based training explores: a configuration near another one.
#pragma once

#include "configs/pbt_settings.h"
#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"

namespace ddl {

// Each value is drawn anew with the probability that `settings` say, else moved: a number times one
// of the factors and brought back within its bounds, by a step at least where it has steps; in an
// ordered list to a neighbour. A category stays. As Ray's PBT does it, but for bounds, which it has
// none of. What is inactive there is drawn.
[[nodiscard]] Configuration Explore(const Domain& domain, const Configuration& from,
                                    const PbtSettings& settings, CounterDraws& draws);

}  // namespace ddl
