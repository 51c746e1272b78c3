// SPDX-License-Identifier: Apache-2.0
// Trials, configurations or sweeps side by side: what differs in them, and whether what they
// reached does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/knowledge/statistics.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

struct ComparedSide {
  std::string name;                      // as it was asked for
  std::string what;                      // for people: which trials these are
  std::string sweep;                     // its name
  std::vector<std::int64_t> trials;      // their numbers
  Json parameters = Json::object();      // of its configuration
  SeedValues values;                     // last values of the metric, finite ones, by seed
  std::map<std::string, double> last{};  // of every metric: mean of the last values
};

// Between the sides `test.first` and `test.second`.
struct ComparedPair {
  PairedDifference test;
  std::optional<Interval> interval;  // of the mean difference; 95 %, not corrected
};

struct Comparison {
  std::string metric;
  std::optional<bool> maximize;  // nothing: no sweep says which way is better
  std::vector<ComparedSide> sides;
  std::vector<ComparedPair> pairs;  // all of them, (0,1), (0,2), …, (1,2), …
};

inline constexpr std::size_t kMostSides = 10;

[[nodiscard]] Comparison Compare(std::string metric, std::optional<bool> maximize,
                                 std::vector<ComparedSide> sides);
[[nodiscard]] bool IsShown(const ComparedPair& pair);
// "B is better", "B is higher", "no difference shown", …; `letters` name the sides.
[[nodiscard]] std::string VerdictText(const Comparison& comparison, const ComparedPair& pair,
                                      const std::vector<std::string>& letters);
// What has to be said of all p values and intervals.
[[nodiscard]] std::vector<std::string> ComparisonNotes(const Comparison& comparison);
[[nodiscard]] std::optional<double> MeanOfSide(const ComparedSide& side);
[[nodiscard]] std::optional<Interval> IntervalOfSide(const ComparedSide& side);
// With as many decimals as tell its width in two digits; "-" for none.
[[nodiscard]] std::string IntervalText(const std::optional<Interval>& interval);
[[nodiscard]] std::string ProbabilityText(const std::optional<double>& p);
// Names of the parameters whose values are not the same on all sides.
[[nodiscard]] std::vector<std::string> DifferingParameters(const std::vector<ComparedSide>& sides);

struct CompareQuery {
  std::vector<std::string> names;  // SWEEP, NUMBER or SWEEP/NUMBER
  std::string metric;              // empty: that of the sweeps
  bool single = false;             // a trial is itself alone, not its configuration over all seeds
};
// Throws Error for what is not there, and where sides have no metric in common.
[[nodiscard]] Comparison ReadComparison(const StoreReader& reader, const CompareQuery& query);
[[nodiscard]] std::vector<std::string> CompareLines(const Comparison& comparison,
                                                    const Terminal& terminal);
[[nodiscard]] Json CompareJson(const Comparison& comparison);

// The first few of a report's configurations; nothing with fewer than two that have finished.
[[nodiscard]] std::optional<Comparison> CompareConfigurations(
    const StoreReader& reader, const SweepLine& sweep, int seeds,
    const std::vector<ConfigurationLine>& configurations);
// Each against the first.
[[nodiscard]] std::vector<std::string> AgainstBestLines(const Comparison& comparison,
                                                        const Terminal& terminal);
[[nodiscard]] Json AgainstBestJson(const Comparison& comparison);

}  // namespace ddl
