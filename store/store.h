// SPDX-License-Identifier: Apache-2.0
// The writing side of a store. One process at a time has it; one thread of it uses it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/changes.h"

namespace ddl {

// An attempt that has not ended, as far as the database knows.
struct OpenAttempt {
  TrialId trial;
  int attempt = 1;
  JobId job;
  std::string token;
  std::string host;
  std::string slots_json;
  bool started = false;
  std::int64_t committed_seq = 0;
  std::int64_t busy_ms = 0;     // as in AttemptAdded
  std::int64_t started_ms = 0;  // unix time
};

struct KnownTrial {
  TrialId id;
  std::int64_t number = 0;
  std::int64_t configuration = 0;
  int seed_index = 0;
  TrialState state = TrialState::kWaiting;
  int attempts = 0;  // the highest attempt number given out
  int failures = 0;
  std::string wanted;
  std::optional<double> objective;  // last value of the sweep's metric
  std::string reason = {};          // of a paused one, as it was stored
};

// Of the attempts of a trial that started, the last one.
struct LastAttempt {
  std::string host;
  int exit_code = 0;  // 0 while it has not ended
};

// A question to an adaptive search, or what it was told of a configuration.
struct SearchStep {
  std::int64_t step = 0;
  std::int64_t configuration = 0;
  std::string params_json;               // the answer; "": not told yet, or no question
  std::string outcome_json;              // "": a question
  std::optional<std::int64_t> parent{};  // of an answer: see SearchProposed
};

// A report of a sweep's metric.
struct KnownReport {
  std::int64_t number = 0;  // of its trial
  std::int64_t step = 0;
  double value = 0;
};

// What a coordinator needs to go on with a sweep.
struct SweepHistory {
  SweepId id;
  std::string name;
  std::string spec_json;
  std::string spec_text;
  SweepState state = SweepState::kRunning;
  SweepOutcome outcome = SweepOutcome::kNone;
  std::string reason;               // of that outcome
  std::int64_t wall_ms = 0;         // in which attempts lived, as far as is known: limits.wall_h
  std::int64_t gpu_ms = 0;          // GPUs held × wall, of ended attempts, for limits.gpu_h
  std::int64_t metric_reports = 0;  // reports of the sweep's metric, for limits.epochs
  std::vector<KnownTrial> trials;
  std::vector<OpenAttempt> open_attempts;
  std::vector<SearchStep> search;  // in order
  std::string search_note{};       // what the search said of itself last
  // Where it has several objectives: the last values of those after the first, NaN where there is
  // none, by the number of the trial.
  std::map<std::int64_t, std::vector<double>> further;
  // Where its spec ends trials early, or is one of pbt: those of each trial in order.
  std::vector<KnownReport> reports;
  // Of pbt: where the last attempt of each trial ran, by its number.
  std::map<std::int64_t, std::string> ran_on;
  // The same: of trials that wait or are paused, by number.
  std::map<std::int64_t, LastAttempt> last_attempts;
};

// Numbers given out so far.
struct Counters {
  std::int64_t sweeps = 0;
  std::int64_t trials = 0;
  std::int64_t jobs = 0;
  std::uint64_t epoch = 0;
};

// A database that was restored from a copy does not know which jobs were given out after it. Jobs
// from here on are of that epoch alone.
inline constexpr std::uint64_t kMostEpochs = std::uint64_t{1} << 31U;
[[nodiscard]] constexpr std::int64_t FirstJobOf(std::uint64_t epoch) {
  return static_cast<std::int64_t>(epoch << 32U);
}

class Store {
 public:
  // Opens or makes `folder`/ddl.db; the caller holds its StoreLock and keeps it longer. Throws
  // Error when the file is newer, foreign or damaged, or when the folder cannot be written. Changes
  // nothing then.
  [[nodiscard]] static Store Open(const std::string& folder);
  // After a rebuild: what the journal knows and no file has is gone, and that was said.
  [[nodiscard]] static Store OpenRebuilt(const std::string& folder);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // All or nothing, synced. Throws Error (disk full, damaged); nothing of it is there then.
  void Commit(std::span<const Change> changes);

  [[nodiscard]] const std::string& Id() const;  // a random id made with the store
  [[nodiscard]] Counters Given() const;
  // Of the newest sweep of a name, or of one of them.
  [[nodiscard]] std::optional<SweepHistory> Load(std::string_view sweep_name) const;
  [[nodiscard]] std::optional<SweepHistory> Load(SweepId sweep) const;
  // Several may have one name. Oldest first.
  [[nodiscard]] std::vector<SweepId> UnfinishedSweeps() const;

  // A verified copy in `folder`/backup; returns the high-water marks that it holds.
  struct SavedMark {
    RankId rank;
    std::int64_t seq = 0;
  };
  std::vector<SavedMark> Backup();

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ddl
