// SPDX-License-Identifier: Apache-2.0
// What it costs that several trials run at once, so that a search knows less when it proposes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/searches/problem.h"

namespace ddl::bench {

struct AtOnceCost {
  std::string problem;
  std::string method;
  std::int64_t evaluations = 0;  // one after the other
  double median = 0;             // of the best less the optimum, after those
  std::int64_t at_once = 0;
  bool in_rounds = false;  // all that run together end before others are proposed
  // The first number of evaluations after which the median is as low; one more than twice as many:
  // not within that.
  std::int64_t needed = 0;
  std::int64_t low = 0;  // of `needed`: 95 % of 2,000 bootstrap samples of the seeds lie between
  std::int64_t high = 0;
};

// Of seeds first … last. One objective, and a method that can search the problem.
[[nodiscard]] AtOnceCost CompareAtOnce(const NamedProblem& named, AtOnceCost asked,
                                       std::uint64_t first_seed, std::uint64_t last_seed);

[[nodiscard]] std::string AtOnceTable(const std::vector<AtOnceCost>& costs);
[[nodiscard]] std::string AtOnceJson(const std::vector<AtOnceCost>& costs);

}  // namespace ddl::bench
