// SPDX-License-Identifier: Apache-2.0
// What the core keeps of an open sweep.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "configs/spec.h"
#include "scheduler/placement.h"
#include "scheduler/proposals.h"
#include "scheduler/pruning/pruner.h"
#include "scheduler/search/growing_front.h"
#include "scheduler/trial_table.h"
#include "store/changes.h"

namespace ddl {

// The last ended attempts: how short trials are, and how many end in a second.
class RecentEnds {
 public:
  void Add(std::chrono::nanoseconds at, std::chrono::nanoseconds wall);
  // Nothing before there are four.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> MeanWall() const;
  [[nodiscard]] double PerSecond(std::chrono::nanoseconds now) const;

 private:
  static constexpr std::size_t kKept = 64;
  struct End {
    std::chrono::nanoseconds at{0};
    std::chrono::nanoseconds wall{0};
  };
  std::array<End, kKept> ends_{};  // a ring
  std::size_t count_ = 0;
  std::chrono::nanoseconds wall_sum_{0};
};

// Why no further trial of a sweep starts at the moment.
enum class Blocked : std::uint8_t {
  kNot,
  kNoHost,      // none of its hosts answers
  kClosed,      // those that answer are drained or set aside
  kSearch,      // the search has not proposed yet
  kParents,     // what its next trial begins from has not ended yet
  kParallel,    // `parallel` trials run
  kDevices,     // cores, GPUs or memory are in use
  kCode,        // hosts that answer do not have its code yet
  kCheckpoint,  // hosts that have their checkpoints are full or do not answer
  kReserved,    // free devices are held for an earlier sweep that has waited long
  kDelayed,     // all that wait do so after a failure of their host
  kPaused,      // by the user, or opened for adoption alone
  kLeaving,     // the coordinator is about to leave
};

// What the store was told last of a trial, for those that a line of explanation needs.
struct Told {
  std::string reason;
  std::optional<EndCause> cause;
  int exit_code = 0;
  int signal = 0;
};

// Of a search that learns: its numbered questions and tells so far.
struct SearchLog {
  std::int64_t steps = 0;
  std::int64_t asked = 0;                           // configurations, from 0 on
  std::map<std::int64_t, std::int64_t> unanswered;  // steps, by configuration
  std::string note;                                 // what it said of itself last
};

// How far a trial has come, over its attempts: what a later one goes through again counts once.
struct Iterations {
  std::int64_t count = 0;
  std::int64_t last_step = 0;

  // False: a later attempt goes through that report once more.
  bool Add(std::int64_t step) {
    if (count > 0 && step <= last_step) return false;
    last_step = step;
    ++count;
    return true;
  }
};

struct CheckpointCopy {
  int attempt = 0;                    // the last one of its trial, which left the checkpoint
  bool is_asked = false;              // no answer yet
  bool was_there = false;             // its host answered when it was asked
  std::string code{};                 // its snapshot
  bool is_none = false;               // its host has no such checkpoint
  std::string problem{};              // why it has not come
  std::chrono::nanoseconds again{0};  // with a problem: to be asked for from then on
};

struct SweepRun {
  SweepId id;
  SweepSpec spec;
  Request request;
  SecretValues secrets;  // in no commit, and in no text
  TrialTable trials{0};
  Proposals proposals;
  SearchLog search;
  std::unique_ptr<Pruner> pruner;                 // none: every trial runs to its end
  std::map<std::int64_t, Iterations> iterations;  // with a pruner or pbt, by number
  std::map<std::int64_t, std::string> losers;     // configurations, and why no seed starts
  // Trials that the pruner has stopped and that wait with a checkpoint, paused, to be promoted or
  // to be pruned for good at the end of the sweep: why it stopped them, by number.
  std::map<std::int64_t, std::string> held;
  bool promotions_are_due = false;  // there was a report or a held trial since they were looked for
  // With a pruner that promotes: the host where a trial left a checkpoint to go on from, by number.
  std::map<std::int64_t, std::string> checkpoint_at;
  // Of pbt: the configuration from whose checkpoint another begins, and by number the host on which
  // a trial's last attempt ran.
  std::map<std::int64_t, std::int64_t> parents;
  std::map<std::int64_t, std::string> ran_on;
  // What this machine has of checkpoints that lie on hosts, by the number of the trial that left
  // them; and where those that waiting trials go on from are brought to, by number. Forgotten with
  // the coordinator: the next one asks again.
  std::map<std::int64_t, CheckpointCopy> copies;
  std::map<std::int64_t, std::string> bound_for;

  SweepState state = SweepState::kRunning;
  SweepOutcome outcome = SweepOutcome::kNone;  // with kRunning: what the sweep is ending with
  std::string reason;
  bool is_paused = false;
  bool may_launch = true;  // false: opened for adoption alone

  std::int64_t seats = 0;  // in use; what `parallel` bounds
  std::int64_t live = 0;   // attempts that have not ended
  // Trials of which the user wants something that has to wait for their configuration.
  std::set<std::int64_t> wanted_unproposed;

  // By number: the GPUs of its attempts had so much memory at most, and that was too little. It is
  // forgotten with the coordinator.
  std::map<std::int64_t, std::int64_t> above_gpu_mib;
  // By number: so often the process that it shared with others ended. Each time it shares with half
  // as many, until it stands alone and what it does is its own. Forgotten with the coordinator.
  std::map<std::int64_t, int> workers_lost;
  std::map<std::int64_t, Told> told;  // by number; only where there was a reason

  // Last values of the objectives after the first, where there are several; NaN: none. By number.
  std::map<std::int64_t, std::vector<double>> further;
  // Configurations all of whose seeds have ended, as the search is told of them.
  GrowingFront front;
  std::optional<double> best;  // of the metric; with several objectives of the first
  std::int64_t best_number = 0;
  Configuration best_configuration;

  std::chrono::nanoseconds busy_before{0};  // with busy_since: see Busy
  std::optional<std::chrono::nanoseconds> busy_since;
  double gpu_ms = 0;                // of ended attempts
  std::int64_t metric_reports = 0;  // for limits.epochs

  RecentEnds recent;
  Blocked blocked = Blocked::kNot;
  std::optional<std::chrono::nanoseconds> blocked_since;  // with kDevices

  // How long attempts of the sweep have lived.
  [[nodiscard]] std::chrono::nanoseconds Busy(std::chrono::nanoseconds now) const;
  // An attempt knows of a time in which no coordinator was there.
  void WasBusyFor(std::chrono::nanoseconds least, std::chrono::nanoseconds now);
  [[nodiscard]] bool Promotes() const { return pruner && pruner->Promotes(); }
  [[nodiscard]] bool IsEnding() const { return outcome != SweepOutcome::kNone; }
  [[nodiscard]] bool HasEnded() const { return state != SweepState::kRunning; }
  [[nodiscard]] std::int64_t ConfigurationOf(std::int64_t number) const {
    return (number - 1) / spec.seeds;
  }
  [[nodiscard]] int SeedOf(std::int64_t number) const {
    return static_cast<int>((number - 1) % spec.seeds);
  }
  [[nodiscard]] std::int64_t Configurations() const {
    return (trials.Planned() + spec.seeds - 1) / spec.seeds;
  }
  [[nodiscard]] bool IsBetter(double value, double than) const {
    return spec.metric && spec.metric->goal == Goal::kMaximize ? value > than : value < than;
  }
};

}  // namespace ddl
