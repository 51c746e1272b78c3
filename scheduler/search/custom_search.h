// SPDX-License-Identifier: Apache-2.0
// `method: custom`: a program of the user proposes. Requests and answers are lines of JSON on its
// standard input and output; docs/search.md, "A search of your own", has all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "configs/spec.h"
#include "scheduler/search/adaptive_search.h"

namespace ddl {

// The program is started with the first question, and is told all that was taken and told before.
// `budget`: as in SearchProblem. Propose throws Error where the program ends, does not answer in
// time, or answers what is no configuration of the space. Values that are told are, as in every
// AdaptiveSearch, such that lower is better; the program hears them in terms of its metrics.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeCustomSearch(const SweepSpec& spec,
                                                               std::int64_t budget,
                                                               std::stop_token stop);

}  // namespace ddl
