// SPDX-License-Identifier: Apache-2.0
// Many runs of one search on one problem as a median with its interval.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ddl::bench {

struct Summary {
  std::string problem;
  std::string method;
  std::int64_t evaluations = 0;
  std::int64_t at_once = 1;
  std::size_t seeds = 0;
  double median = 0;
  double low = 0;  // of the median: 95 % of 2,000 bootstrap samples lie between
  double high = 0;
};

[[nodiscard]] double MedianOf(std::vector<double> values);

// Between which 95 % of 2,000 bootstrap samples lie of what `statistic` makes of `count` seeds,
// given as indices; the numbers drawn are always the same.
struct Interval {
  double low = 0;
  double high = 0;
};
using Indices = std::vector<std::size_t>;
[[nodiscard]] Interval Bootstrap(std::size_t count,
                                 const std::function<double(const Indices&)>& statistic);
// Of one value a seed; the numbers drawn are always the same.
void SetInterval(Summary& summary, const std::vector<double>& values);

[[nodiscard]] std::string SummaryJson(const std::vector<Summary>& summaries);
// What `--json` printed, ours or a peer's; its methods get `prefix` before their names. Exits with
// a message where it cannot be read.
[[nodiscard]] std::vector<Summary> ReadSummaries(const std::string& path,
                                                 const std::string& prefix);

// A line a problem, a column a method; markdown.
[[nodiscard]] std::string MarkdownTable(const std::vector<Summary>& summaries);
[[nodiscard]] std::string PlainTable(const std::vector<Summary>& summaries);

}  // namespace ddl::bench
