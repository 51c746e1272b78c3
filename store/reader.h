// SPDX-License-Identifier: Apache-2.0
// The reading side of a store: what commands show. Opens read-only, beside a running coordinator.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/changes.h"

namespace ddl {

struct StateCounts {
  std::map<TrialState, std::int64_t> by_state;  // trials that have a row
  [[nodiscard]] std::int64_t Of(TrialState state) const;
};

// One of several that a sweep has.
struct SweepObjective {
  std::string name;
  bool maximize = false;
};

struct SweepLine {
  SweepId id;
  std::string name;
  std::string description;
  SweepState state = SweepState::kRunning;
  SweepOutcome outcome = SweepOutcome::kNone;
  std::string reason;
  std::string search_note;  // what its search said of itself last
  std::string metric;
  bool maximize = false;
  std::vector<SweepObjective> objectives;  // where there are several; the first is the metric
  std::int64_t trials_planned = 0;
  StateCounts counts;
  // Last value of the metric, best over ended trials; nothing where there are several objectives.
  std::optional<double> best;
  std::int64_t best_trial_number = 0;
  std::int64_t created_ms = 0;
  std::int64_t changed_ms = 0;
  bool is_newest = true;  // of its name

  // What a command is to be given that means this one: its name, or NAME@ID.
  [[nodiscard]] std::string Address() const;
};

struct MetricSummary {
  std::string name;
  std::int64_t count = 0;
  double last = 0;
  std::int64_t last_step = 0;
  double min = 0;
  std::int64_t min_step = 0;
  double max = 0;
  std::int64_t max_step = 0;
};

struct TrialLine {
  TrialId id;
  std::int64_t number = 0;
  std::int64_t configuration = 0;
  int seed_index = 0;
  TrialState state = TrialState::kWaiting;
  std::string reason;
  std::string params_json;
  int attempts = 0;
  std::optional<double> objective;  // last value of the sweep's metric
  std::optional<double> best_objective;
  std::int64_t started_ms = 0;  // of the last attempt
  std::int64_t ended_ms = 0;
};

struct AttemptLine {
  int attempt = 1;
  JobId job;
  std::string host;
  std::string slots_json;
  std::string argv_json;
  std::string job_folder;
  std::int64_t pid = 0;
  std::optional<EndCause> cause;  // none: not ended
  int exit_code = 0;
  int signal = 0;
  std::string detail;
  std::int64_t created_ms = 0;
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::int64_t wall_ms = 0;
  std::int64_t cpu_ms = 0;
  std::int64_t peak_memory_kib = 0;
  std::int64_t log_bytes = 0;
};

// A trial of a sweep with several objectives.
struct ObjectiveLine {
  std::int64_t number = 0;
  TrialState state = TrialState::kWaiting;
  std::int64_t ended_ms = 0;
  std::vector<double> values;  // the last ones, in the order of the objectives; NaN: none
};

struct EventLine {
  std::int64_t at_ms = 0;
  std::int64_t trial_number = 0;  // 0: of the sweep
  std::string text;
};

struct CurvePoint {
  std::int64_t step = 0;
  std::int64_t elapsed_ms = 0;
  int attempt = 1;
  double value = 0;
};

// All spread of one configuration over its seeds.
struct ConfigurationLine {
  std::int64_t configuration = 0;
  std::string params_json;
  std::int64_t first_trial_number = 0;
  std::int64_t ended = 0;  // trials with an objective
  double mean = 0;
  double deviation = 0;  // sample standard deviation; 0 with one seed
  double min = 0;
  double max = 0;
};

// Reports of the sweep's metric by trials that ran to their end, and by those that were stopped
// early, for good or not yet.
struct PruningLine {
  std::int64_t whole = 0;    // reports of a whole trial: the most that one made
  std::int64_t trials = 0;   // of both kinds
  std::int64_t reports = 0;  // that they made
  std::int64_t paused = 0;   // trials that were paused, once or more often
  std::int64_t went_on = 0;  // of these: they had another attempt
};

// What the finished seeds of one configuration reached.
struct FinishedConfiguration {
  std::int64_t configuration = 0;
  std::int64_t first_trial_number = 0;
  std::string params_json;
  std::vector<std::pair<int, double>> values;  // seed index, finite objective; at least one
};

enum class TrialOrder : std::uint8_t { kByNumber, kBestFirst };

struct TrialQuery {
  TrialOrder order = TrialOrder::kByNumber;
  std::optional<TrialState> state;
  std::int64_t limit = 0;  // 0: all
  std::int64_t offset = 0;
};

class StoreReader {
 public:
  // Throws Error when there is no store, or when it is newer, foreign or damaged.
  [[nodiscard]] static StoreReader Open(const std::string& folder);
  StoreReader(const StoreReader&) = delete;
  StoreReader& operator=(const StoreReader&) = delete;
  StoreReader(StoreReader&&) noexcept;
  StoreReader& operator=(StoreReader&&) noexcept;
  ~StoreReader();

  [[nodiscard]] const std::string& Id() const;
  [[nodiscard]] std::vector<SweepLine> Sweeps() const;  // newest first
  [[nodiscard]] std::optional<SweepLine> Sweep(std::string_view name) const;
  [[nodiscard]] std::string SpecJson(SweepId sweep) const;
  [[nodiscard]] std::string SpecText(SweepId sweep) const;
  [[nodiscard]] std::string ProvenanceJson(SweepId sweep) const;

  [[nodiscard]] std::vector<TrialLine> Trials(SweepId sweep, const TrialQuery& query) const;
  [[nodiscard]] std::optional<TrialLine> Trial(SweepId sweep, std::int64_t number) const;
  [[nodiscard]] std::vector<ConfigurationLine> Configurations(SweepId sweep,
                                                              std::int64_t limit) const;
  // Of these configurations those with a finished trial whose objective is a finite number, in
  // their order, at most `limit`. A seek each: trial n is seed (n - 1) mod `seeds` of configuration
  // (n - 1) / `seeds`.
  [[nodiscard]] std::vector<FinishedConfiguration> Finished(
      SweepId sweep, const std::vector<std::int64_t>& configurations, int seeds,
      std::size_t limit) const;
  // Of all trials that have a row, by number.
  [[nodiscard]] std::vector<ObjectiveLine> Objectives(const SweepLine& sweep) const;
  [[nodiscard]] std::vector<AttemptLine> Attempts(TrialId trial) const;
  [[nodiscard]] std::vector<MetricSummary> Summaries(TrialId trial) const;
  [[nodiscard]] std::vector<CurvePoint> Curve(TrialId trial, std::string_view metric) const;
  // `paused`: what is told of a trial, and of its attempt, that was stopped early but not for good
  // begins so.
  [[nodiscard]] PruningLine Pruning(SweepId sweep, std::string_view paused) const;
  // By number of the trial: that of the trial from whose checkpoint it goes on. Of pbt; else empty.
  [[nodiscard]] std::map<std::int64_t, std::int64_t> Parents(SweepId sweep) const;
  [[nodiscard]] std::vector<EventLine> Events(SweepId sweep, std::int64_t limit) const;
  [[nodiscard]] std::vector<EventLine> TrialEvents(TrialId trial) const;

 private:
  struct State;
  explicit StoreReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ddl
