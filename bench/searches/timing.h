// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ddl::bench {

struct Timing {
  std::string method;
  std::size_t dimensions = 0;
  std::int64_t history = 0;  // trials that were taken and told before
  double start_ms = 0;       // to take those in
  double suggestion_us = 0;  // median of propose, take and tell together
  double suggestion_p99_us = 0;
};

// In processor time, of a bowl of reals; every eighth trial of the history failed or was pruned.
[[nodiscard]] Timing TimeSuggestions(const std::string& method, std::size_t dimensions,
                                     std::int64_t history, std::int64_t suggestions);

}  // namespace ddl::bench
