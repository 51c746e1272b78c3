// SPDX-License-Identifier: Apache-2.0
// What a sweep has found: read from the store once, shown as text, JSON or files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/comparison.h"
#include "cli/front.h"
#include "cli/importances.h"
#include "cli/schedule.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "configs/space.h"
#include "store/reader.h"

namespace ddl {

struct FailureGroup {
  std::string reason;
  std::int64_t count = 0;
  std::vector<std::int64_t> trials;  // the first few
  std::string said;                  // the first one's last line, where it said any
};

struct ReportCurve {
  std::int64_t trial = 0;
  std::vector<CurvePoint> points;  // as ServedCurve gives them
};

// Medians over the trials shown that tell it, of what each told last.
struct ReportSpeed {
  std::int64_t trials = 0;
  double samples_per_s = 0;
  std::optional<double> gflops = std::nullopt;
  std::optional<double> percent_of_limit = std::nullopt;
  std::optional<double> joules = std::nullopt;  // of a trial's GPUs, in its last attempt
};

struct Report {
  SweepLine sweep;
  std::vector<std::string> varying;  // names of the parameters that vary, in the spec's order
  int seeds = 1;
  std::optional<double> target;
  // Those that have finished or were pruned, then the others, each best first, of several
  // objectives by the first; by number when the sweep has no metric.
  std::vector<TrialLine> trials;
  std::vector<ConfigurationLine> configurations;  // best mean first; with several seeds only
  std::optional<SeedComparison> against_best;     // of the first few of them
  std::optional<Front> front;         // of several objectives; `best` means nothing then
  std::vector<FrontMember> shown;     // of its members
  std::optional<FrontGrowth> growth;  // where something has finished
  std::vector<ReportCurve> curves;    // of the best few trials
  std::optional<ReportSpeed> speed;
  std::optional<PruningLine> pruning;      // where trials were stopped early
  std::vector<ScheduleSegment> schedule;   // of pbt: how the best trial came to be
  std::optional<Importances> importances;  // of sweeps with a metric and parameters that vary
  std::vector<FailureGroup> failures;      // most frequent first
  std::int64_t failures_read = 0;          // trials that the groups were made of
  bool is_outside = false;                 // its trials were given out by ddl ask: no logs
  // For commands to copy, as a shell takes them: the sweep's name, "" where they mean it anyway,
  // and " --store FOLDER" where one was named.
  std::string name_word;
  std::string store_words;
};

// Reads what is shown and no more: `top` trials, the curves of at most three. `reference`: of the
// volume that a front dominates, one value an objective; none: it follows from the front.
[[nodiscard]] Report ReadReport(const StoreReader& reader, const SweepLine& sweep, std::int64_t top,
                                const std::vector<double>& reference = {});

[[nodiscard]] std::vector<std::string> ReportLines(const Report& report, const Terminal& terminal);
[[nodiscard]] Json ReportJson(const Report& report);

// Whether it has a place among the best: what failed, was canceled or still runs has none, whatever
// it reported.
[[nodiscard]] bool IsRanked(const TrialLine& trial);

// The configuration that ranks first, by the mean of its seeds where there are several. Of several
// objectives there is none.
struct BestConfiguration {
  std::int64_t trial = 0;                      // the configuration's first, or the best trial
  std::optional<double> value = std::nullopt;  // nothing: of a trial without one
  Json parameters;
  bool is_best = true;  // false: the user chose it
};
[[nodiscard]] std::optional<BestConfiguration> BestOf(const Report& report);

// Of the reports that trials would have made, had all run to their end: 0 … 1.
[[nodiscard]] double SavedShare(const PruningLine& pruning);

// Names of the parameters with more than one possible value, in the space's order.
[[nodiscard]] std::vector<std::string> VaryingParameters(const Space& space);
// Trials put together by the text of their reason, most frequent first.
[[nodiscard]] std::vector<FailureGroup> GroupFailures(const std::vector<TrialLine>& failed);
// One curve out of several attempts: of an attempt that began again, what was reported before it at
// the same or later steps is dropped.
[[nodiscard]] std::vector<CurvePoint> ServedCurve(const std::vector<CurvePoint>& points);

}  // namespace ddl
