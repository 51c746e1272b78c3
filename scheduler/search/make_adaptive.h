// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

// A search that learns, by the name that a spec gives its method; nothing where no such one is
// built. Throws Error where the method cannot search this problem.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeAdaptiveSearch(std::string_view method,
                                                                 SearchProblem problem);

}  // namespace ddl
