// SPDX-License-Identifier: Apache-2.0
// The trials of one sweep. A trial nobody has touched yet is waiting and has no record, so a sweep
// of a million waiting trials costs nothing. Keeps the counts and the order of waiting.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/ids.h"
#include "configs/states.h"
#include "scheduler/search/search.h"

namespace ddl {

// What the user or the sweep wants of a trial and has not got yet.
enum class Wanted : std::uint8_t {
  kNothing,
  kStop,
  kPause,
  kLeave,  // its sweep ends: what never began is not canceled but goes on with the sweep
  kPrune,
  kPartDone,  // its part of a training is done
};
// The store's words, and back; other words are none.
[[nodiscard]] std::string_view ToString(Wanted wanted);
[[nodiscard]] Wanted ParseWanted(std::string_view word);

struct TrialRecord {
  TrialId id;                              // none: the store has no row of it yet
  JobId job;                               // its live attempt, if any
  std::chrono::nanoseconds not_before{0};  // monotonic; of a waiting trial
  double objective = std::numeric_limits<double>::quiet_NaN();  // last value of the metric
  std::int32_t attempts = 0;                                    // the highest number given out
  std::int32_t failures = 0;                                    // of its own making
  std::int16_t mishaps = 0;                                     // infrastructure, since the start
  std::int16_t idle_continuations = 0;  // exits with 75 in a row that reported nothing
  TrialState state = TrialState::kWaiting;
  Wanted wanted = Wanted::kNothing;
  bool metric_seen = false;
};

// Trials are numbered 1, 2, 3, …
class TrialTable {
 public:
  explicit TrialTable(std::int64_t planned) : planned_(planned) {}

  [[nodiscard]] std::int64_t Planned() const { return planned_; }
  [[nodiscard]] bool IsOpenEnded() const { return planned_ >= kOpenEnded; }
  // What the store and the screens are told: 0 where nobody knows.
  [[nodiscard]] std::int64_t PlannedOrZero() const { return IsOpenEnded() ? 0 : planned_; }
  // More trials, or fewer that nobody has touched (an exhausted space).
  void Plan(std::int64_t planned);

  [[nodiscard]] TrialRecord Of(std::int64_t number) const;
  // For everything but state and not_before, which only Move, Reopen and Restore change.
  [[nodiscard]] TrialRecord& Touch(std::int64_t number);

  // Asserts that the move is legal. A trial that moves to waiting waits until `not_before`.
  void Move(std::int64_t number, TrialState to, std::chrono::nanoseconds not_before = {});
  // The user's act: an ended trial waits again.
  void Reopen(std::int64_t number);
  // As the store remembers it.
  void Restore(std::int64_t number, const TrialRecord& record);

  [[nodiscard]] std::int64_t Count(TrialState state) const;
  // Waiting trials as people count them: of an open-ended sweep only those that ran before.
  [[nodiscard]] std::int64_t WaitingOfPlan() const;
  // The trial that is next in turn, but for those that `are_passed`: those that came back first,
  // then by number.
  using Passed = std::function<bool(std::int64_t)>;
  [[nodiscard]] std::optional<std::int64_t> NextWaiting(std::chrono::nanoseconds now,
                                                        const Passed& are_passed = {});
  // When the next trial that waits for its time may start; nothing when none waits for that.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> NextDelayed() const;
  // Waiting trials that are in turn before this one.
  [[nodiscard]] std::int64_t Ahead(std::int64_t number) const;
  // The lowest number that nobody was told to start.
  [[nodiscard]] std::int64_t Fresh() const { return fresh_; }
  // Numbers of the trials that have a record: 1 … Touched().
  [[nodiscard]] std::int64_t Touched() const { return std::ssize(records_); }

 private:
  void Enter(std::int64_t number, TrialRecord& record, TrialState to);
  void Leave(std::int64_t number, const TrialRecord& record);

  std::int64_t planned_ = 0;
  std::int64_t fresh_ = 1;
  std::vector<TrialRecord> records_;      // of number i + 1
  std::array<std::int64_t, 9> counts_{};  // by state; waiting is what remains
  std::set<std::int64_t> ready_;          // waiting, below fresh_
  std::set<std::pair<std::chrono::nanoseconds, std::int64_t>> delayed_;
};

}  // namespace ddl
