// SPDX-License-Identifier: Apache-2.0
// The deciding part of ddl: a machine without hands. No I/O, no clock, no threads, no randomness
// but its own seeded streams, no container with an unspecified order: the same events give the same
// actions. Invariants (docs/architecture.md) are asserted, in the product too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/events.h"
#include "store/sweep_address.h"

namespace ddl {

struct CoreOptions {
  std::string store_id;
  Counters given;                     // ids go on from here
  std::uint64_t epoch = 1;            // of this coordinator; larger than any before
  std::uint64_t token_seed_high = 0;  // 128 random bits: tokens are drawn from them
  std::uint64_t token_seed_low = 0;
  // Sweeps that will be opened or left alone: while one of them is not open, ranks of unknown jobs
  // may be its own and are not touched. Afterwards they belong to nobody and are killed.
  std::vector<std::string> unfinished_sweeps;
  std::string trainer_path;  // the built-in trainer's executable, for sweeps that use it
};

// What a screen shows of a sweep; cheap to make at any time.
struct RunningTrial {
  std::int64_t number = 0;
  std::string host;
  std::chrono::nanoseconds started{0};  // monotonic
  std::optional<std::int64_t> step;
  std::optional<double> objective;         // last
  std::optional<double> samples_per_s;     // last, where it is told
  std::optional<double> percent_of_limit;  // of what its host was measured to reach
};
struct SweepProgress {
  SweepId id;
  std::string name;
  std::string metric;
  bool maximize = false;
  std::int64_t planned = 0;  // 0: open-ended
  std::int64_t waiting = 0;  // with those never launched yet
  std::int64_t launching = 0;
  std::int64_t running = 0;
  std::int64_t paused = 0;
  std::int64_t held = 0;  // of these: by their pruner, which may promote them
  std::int64_t stopping = 0;
  std::int64_t finished = 0;
  std::int64_t pruned = 0;
  std::int64_t failed = 0;
  std::int64_t canceled = 0;
  std::optional<double> best;
  std::int64_t best_number = 0;
  Configuration best_configuration;
  // Of several objectives, for which there is no best: configurations on the front, and what is
  // the best in each objective.
  std::int64_t front = 0;
  std::vector<std::pair<std::string, double>> front_best;
  double trials_per_s = 0;  // ended lately
  std::optional<double> seconds_left;
  SweepState state = SweepState::kRunning;
  SweepOutcome outcome = SweepOutcome::kNone;
  std::string waiting_for;  // why nothing starts, or ""
  bool is_remote = false;   // it uses other hosts than this machine; known in this process alone
};

class Core {
 public:
  explicit Core(CoreOptions options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  Core(Core&&) noexcept;
  Core& operator=(Core&&) noexcept;
  ~Core();

  // Applies one event; appends what is to be done. Never throws on anything a host or user says.
  void Step(const Event& event, Now now, std::vector<Action>& actions);

  [[nodiscard]] std::vector<SweepProgress> Progress(Now now) const;
  // Oldest first.
  [[nodiscard]] std::vector<SweepAddress> Sweeps() const;
  [[nodiscard]] std::vector<RunningTrial> Running(SweepId sweep, std::size_t limit) const;
  // Addresses that an open sweep uses now, and what people call one.
  [[nodiscard]] std::vector<std::string> HostsOf(SweepId sweep) const;
  // False of one that has ended.
  [[nodiscard]] bool IsOpen(SweepId sweep) const;
  // The snapshot that it trains from; "" is none, or that it is not open.
  [[nodiscard]] std::string CodeOf(SweepId sweep) const;
  // Where its trials' environment there says that libraries are.
  [[nodiscard]] std::vector<std::string> LibraryFoldersOn(SweepId sweep,
                                                          const std::string& address) const;
  [[nodiscard]] std::string TitleOf(const std::string& address) const;
  [[nodiscard]] bool IsStopping() const;      // an attempt was told to stop and has not ended
  [[nodiscard]] bool AllSweepsEnded() const;  // nothing left to do or to wait for

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ddl
