// SPDX-License-Identifier: Apache-2.0
// Results of earlier trials, which a search learns from before its first one.
#pragma once

#include <string>
#include <string_view>

#include "configs/spec.h"
#include "scheduler/search/past_trials.h"

namespace ddl {

// Comma-separated values (RFC 4180) with a header, as `ddl report --csv` writes them: a column a
// parameter, one a metric of the spec, and where they are there `state` and `configuration`, whose
// rows are seeds of one (PastTrials says what counts). Constants and derived parameters need no
// column. Throws Error that names the row, from 1 for the header, as an editor counts them.
[[nodiscard]] PastResults ReadPastResults(std::string_view csv, const std::string& where,
                                          const SweepSpec& spec);

// Of spec.warm_start->file. Throws Error.
[[nodiscard]] PastResults ReadWarmStartFile(const SweepSpec& spec);

}  // namespace ddl
