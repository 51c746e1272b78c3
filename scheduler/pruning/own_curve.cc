// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/own_curve.h"

#include <cmath>

#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

std::optional<std::string> PatiencePruner::Report(const PrunerReport& report) {
  const auto [best, is_first] =
      best_.try_emplace(report.trial, Best{report.value, report.iteration});
  const bool is_better = report.value < best->second.value - rule_.min_delta ||
                         (std::isnan(best->second.value) && !std::isnan(report.value));
  if (is_better) best->second = {report.value, report.iteration};
  const std::int64_t since = report.iteration - best->second.iteration;
  if (since < rule_.patience || report.iteration < rule_.min_iter) return std::nullopt;
  return fmt::format("no better for {} reports, since report {}", since, best->second.iteration);
}

std::optional<std::string> ThresholdPruner::Report(const PrunerReport& report) {
  if (report.iteration < rule_.min_iter) return std::nullopt;
  if (std::isnan(report.value)) return "its metric is not a number";
  if (rule_.lower && report.value < *rule_.lower) {
    return fmt::format("{} is below {}", FormatNumber(report.value), FormatNumber(*rule_.lower));
  }
  if (rule_.upper && report.value > *rule_.upper) {
    return fmt::format("{} is above {}", FormatNumber(report.value), FormatNumber(*rule_.upper));
  }
  return std::nullopt;
}

}  // namespace ddl
