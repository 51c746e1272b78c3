// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"

namespace ddl {

namespace {

std::vector<double> FiniteOf(const ComparedSide& side) {
  std::vector<double> values;
  for (const std::optional<double>& value : side.values) {
    if (value) values.push_back(*value);
  }
  return values;
}

}  // namespace

Comparison Compare(std::string metric, std::optional<bool> maximize,
                   std::vector<ComparedSide> sides) {
  assert(sides.size() <= kMostSides);
  std::vector<SeedValues> values;
  for (const ComparedSide& side : sides) {
    values.push_back(side.values);
  }
  Comparison comparison{
      .metric = std::move(metric), .maximize = maximize, .sides = std::move(sides)};
  for (const PairedDifference& test : CompareAll(values)) {
    comparison.pairs.push_back(
        {test, IntervalOfMean(DifferencesOf(values[test.first], values[test.second]))});
  }
  return comparison;
}

bool IsShown(const ComparedPair& pair) {
  return pair.test.p && *pair.test.p < kShownBelow;
}

std::string VerdictText(const Comparison& comparison, const ComparedPair& pair,
                        const std::vector<std::string>& letters) {
  if (pair.test.pairs == 0) return "no seed in common";
  if (!pair.test.p) return "the same values";
  if (!IsShown(pair)) return "no difference shown";
  const bool is_second_higher = pair.test.mean > 0;
  if (!comparison.maximize) {
    return letters[is_second_higher ? pair.test.second : pair.test.first] + " is higher";
  }
  const bool is_second_better = is_second_higher == *comparison.maximize;
  return letters[is_second_better ? pair.test.second : pair.test.first] + " is better";
}

std::vector<std::string> ComparisonNotes(const Comparison& comparison) {
  std::vector<std::string> notes;
  std::int64_t fewest = kLeastPairs;
  for (const ComparedPair& pair : comparison.pairs) {
    fewest = std::min(fewest, pair.test.pairs);
  }
  if (fewest < kLeastPairs) {
    notes.push_back(fmt::format(
        "{} that both have can show no difference at 5 %: it takes {}",
        fewest == 1 ? std::string("one seed") : fmt::format("{} seeds", fewest), kLeastPairs));
  }
  if (comparison.pairs.size() > 1) {
    notes.push_back(fmt::format("p is corrected for all {} pairs", comparison.pairs.size()));
  }
  return notes;
}

std::optional<double> MeanOfSide(const ComparedSide& side) {
  const std::vector<double> values = FiniteOf(side);
  return values.empty() ? std::nullopt : std::optional(MeanOf(values));
}

std::optional<Interval> IntervalOfSide(const ComparedSide& side) {
  return IntervalOfMean(FiniteOf(side));
}

std::string IntervalText(const std::optional<Interval>& interval) {
  if (!interval) return "-";
  const double width = interval->high - interval->low;
  if (width > 0 && std::isfinite(width)) {
    const int decimals = 1 - static_cast<int>(std::floor(std::log10(width)));
    if (decimals >= 0 && decimals <= 8) {
      return fmt::format("{:.{}f} to {:.{}f}", interval->low, decimals, interval->high, decimals);
    }
  }
  return fmt::format("{} to {}", FormatValue(interval->low), FormatValue(interval->high));
}

std::string ProbabilityText(const std::optional<double>& p) {
  if (!p) return "-";
  return *p < 0.001 ? "<0.001" : fmt::format("{:.3f}", *p);
}

std::vector<std::string> DifferingParameters(const std::vector<ComparedSide>& sides) {
  std::vector<std::string> names;
  for (const ComparedSide& side : sides) {
    for (const auto& [name, value] : side.parameters.items()) {
      const bool is_same = std::ranges::all_of(sides, [&](const ComparedSide& other) {
        const auto found = other.parameters.find(name);
        return found != other.parameters.end() && *found == value;
      });
      if (!is_same && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace ddl
