// SPDX-License-Identifier: Apache-2.0
// Results of earlier trials, which a search learns from before its first one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/spec.h"
#include "scheduler/search/adaptive_search.h"

namespace ddl {

struct PastResult {
  Configuration configuration;  // complete, and allowed
  Outcome outcome;              // lower is better; of a pruned one the resource is not known: 0
};

struct PastResults {
  std::vector<PastResult> results;  // in the order of their first rows
  // Configurations that the spec's space does not have, or its constraints forbid.
  std::int64_t left_out = 0;
};

// Comma-separated values (RFC 4180) with a header, as `ddl report --csv` writes them: a column a
// parameter, one a metric of the spec, and where they are there `state` and `configuration`, whose
// rows are seeds of one and count by their mean. Constants and derived parameters need no column.
// Rows that did not end, or ended without a value, are no results. Throws Error that names the row,
// from 1 for the header, as an editor counts them.
[[nodiscard]] PastResults ReadPastResults(std::string_view csv, const std::string& where,
                                          const SweepSpec& spec);

// Of spec.warm_start->file, the best ones where it has a limit. Throws Error.
[[nodiscard]] PastResults ReadWarmStartFile(const SweepSpec& spec);

// The best `limit` that have values, by the first objective, in the order in which they were.
[[nodiscard]] std::vector<PastResult> BestResults(std::vector<PastResult> results,
                                                  std::optional<std::int64_t> limit);

}  // namespace ddl
