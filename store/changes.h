// SPDX-License-Identifier: Apache-2.0
// What the deciding thread wants remembered. One turn's changes become one transaction; ids are
// given out by the decider, so changes are plain values that a simulator can keep too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "configs/ids.h"
#include "configs/metric_report.h"
#include "configs/states.h"

namespace ddl {

enum class SweepState : std::uint8_t { kRunning, kFinished, kStopped };

// What a sweep has come to; becomes the exit code of `ddl sweep`.
enum class SweepOutcome : std::uint8_t {
  kNone,
  kAllDone,
  kSomeFailed,
  kTargetReached,
  kTargetMissed,
  kLimitReached,
  kStoppedByUser,
  kSearchFailed  // what proposes its configurations; `reason` says how
};

[[nodiscard]] std::string_view ToString(SweepState state);
[[nodiscard]] std::string_view ToString(SweepOutcome outcome);  // "" for kNone
[[nodiscard]] std::optional<SweepOutcome> ParseSweepOutcome(std::string_view text);

struct SweepAdded {
  SweepId id;
  std::string name;
  std::string spec_json;  // ResolvedSpec
  std::string spec_text;  // as the user wrote it
  std::string metric;     // the objective's name, or ""
  bool maximize = false;
  std::int64_t trials_planned = 0;  // run_cap, or the size of the grid times seeds; 0: open-ended
  std::string provenance_json;      // git commit, diff, versions, command line
  std::int64_t at_ms = 0;           // unix time, for display only
};

// In-place change of a spec, or a new state.
struct SweepChanged {
  SweepId id;
  std::optional<std::string> spec_json;
  std::optional<std::int64_t> trials_planned;
  SweepState state = SweepState::kRunning;
  SweepOutcome outcome = SweepOutcome::kNone;
  std::string reason;
  std::int64_t at_ms = 0;
};

// A waiting trial needs no row: it gets one with its first intent, or when something is said of it.
struct TrialAdded {
  TrialId id;
  SweepId sweep;
  std::int64_t number = 0;         // 1, 2, 3, … within the sweep
  std::int64_t configuration = 0;  // 0, 1, 2, … within the sweep
  int seed_index = 0;
  std::string params_json;
  std::int64_t at_ms = 0;
};

// The intent: committed before anything is sent. Moves the trial waiting → launching.
struct AttemptAdded {
  TrialId trial;
  int attempt = 1;
  JobId job;
  std::string token;
  std::string host;
  std::string slots_json;
  std::string argv_json;
  std::string job_folder;  // on the host
  std::int64_t at_ms = 0;
  std::int64_t busy_ms = 0;  // until then: how long attempts of the sweep have lived
};

// Moves the trial launching → running.
struct AttemptStarted {
  TrialId trial;
  int attempt = 1;
  std::int64_t pid = 0;
  std::int64_t at_ms = 0;
};

// Ends the attempt; what becomes of the trial is said by a TrialMoved beside it.
struct AttemptEnded {
  TrialId trial;
  int attempt = 1;
  EndCause cause = EndCause::kExited;
  int exit_code = 0;
  int signal = 0;
  std::string detail;
  std::int64_t wall_ms = 0;
  std::int64_t cpu_ms = 0;
  std::int64_t peak_memory_kib = 0;
  std::int64_t last_seq = 0;
  std::int64_t log_bytes = 0;
  std::int64_t at_ms = 0;
};

// `UPDATE … WHERE state IN LegalPredecessors(to)`, row count checked. `reopened` is the user's
// `retry` or `extend`, the one way out of an ended state.
struct TrialMoved {
  TrialId trial;
  TrialState to = TrialState::kWaiting;
  std::string reason;  // for the user: why it waits, failed, was stopped
  int failures = 0;    // of its own making so far
  bool reopened = false;
  std::int64_t at_ms = 0;
};

// What the user wants of a trial until it has happened: "", "stop", "pause".
struct TrialWanted {
  TrialId trial;
  std::string wanted;
};

// Advances the rank's high-water mark in the same transaction; reports at or below it are dropped.
struct MetricsAdded {
  RankId rank;
  TrialId trial;
  int attempt = 1;
  std::vector<MetricReport> reports;
};

struct EpochRaised {
  std::uint64_t epoch = 0;
};

// A line for `ddl show` and `ddl explain`: something happened that no other table tells.
struct EventNoted {
  SweepId sweep;
  TrialId trial;  // none: of the sweep
  std::string text;
  std::int64_t at_ms = 0;
};

// How the text of an event begins that tells what a sweep's search says of itself.
inline constexpr std::string_view kOfSearch = "search: ";

// What an adaptive search was asked and told, numbered 1, 2, 3, … a sweep, so that a continued
// sweep proposes what an uninterrupted one would have.
struct SearchAsked {
  SweepId sweep;
  std::int64_t step = 0;
  std::int64_t configuration = 0;
};
// The answer to the question of that step.
struct SearchProposed {
  SweepId sweep;
  std::int64_t step = 0;
  std::string params_json;
  std::optional<std::int64_t> parent{};  // the configuration from whose checkpoint it begins
};
struct SearchTold {
  SweepId sweep;
  std::int64_t step = 0;
  std::int64_t configuration = 0;
  std::string outcome_json;
};

using Change = std::variant<SweepAdded, SweepChanged, TrialAdded, AttemptAdded, AttemptStarted,
                            AttemptEnded, TrialMoved, TrialWanted, MetricsAdded, EpochRaised,
                            EventNoted, SearchAsked, SearchProposed, SearchTold>;

}  // namespace ddl
