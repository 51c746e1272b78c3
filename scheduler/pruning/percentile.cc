// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/percentile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

namespace {

// Between the neighbours, as most tools reckon it. `sorted` is not empty.
double PercentileOf(const std::vector<double>& sorted, double percentile) {
  const double place = percentile / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double share = place - static_cast<double>(below);
  if (share <= 0 || below + 1 == sorted.size()) return sorted[below];
  return sorted[below] + (sorted[below + 1] - sorted[below]) * share;
}

}  // namespace

std::optional<std::string> PercentilePruner::Report(const PrunerReport& report) {
  constexpr double kWorst = std::numeric_limits<double>::infinity();
  const double value = std::isnan(report.value) ? kWorst : report.value;
  const auto [best, is_first] = best_.try_emplace(report.trial, value);
  best->second = std::min(best->second, value);
  auto& others = values_[{report.iteration, report.seed_index}];
  const bool may_stop = report.iteration >= min_iter_ && std::ssize(others) >= trials_needed_;
  const double bound = may_stop ? PercentileOf(others, percentile_) : kWorst;
  const auto came_before = std::ssize(others);
  others.insert(std::ranges::upper_bound(others, value), value);
  const bool is_worse = may_stop && (best->second > bound || best->second == kWorst);
  if (!is_worse) return std::nullopt;
  return fmt::format("at report {} worse than {}, which {} % of {} trials had reached then",
                     report.iteration, FormatNumber(bound), FormatNumber(percentile_), came_before);
}

}  // namespace ddl
