// SPDX-License-Identifier: Apache-2.0
// Which trials stop before their end, and which of those go on after all. A pruner is told every
// report of the metric and says so then. It has no clock and no randomness, and does not depend on
// the order in which reports of different trials came: fed with those of a store, it stands where
// it stood.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configs/early_terminate.h"

namespace ddl {

// One report of the sweep's metric.
struct PrunerReport {
  std::int64_t trial = 0;      // its number within the sweep
  int seed_index = 0;          // only trials of the same are compared
  std::int64_t iteration = 0;  // 1, 2, 3, … of the trial
  double value = 0;            // lower is better; NaN is the worst
};

// What counts for a trial whose metric is no number, or infinitely bad. It goes on nowhere where
// others are looked at.
inline constexpr double kWorst = std::numeric_limits<double>::infinity();
inline double OrWorst(double value) {
  return std::isnan(value) ? kWorst : value;
}

// A trial that ended by itself, with its last value.
struct PrunerEnd {
  std::int64_t configuration = 0;
  int seed_index = 0;
  double value = 0;
};

// A configuration whose trials are to stop, or not to start.
struct Loser {
  std::int64_t configuration = 0;
  std::string reason;
};

// A trial that was stopped, and would not be by what is known now.
struct Promotion {
  std::int64_t trial = 0;
  std::string reason;
};

class Pruner {
 public:
  virtual ~Pruner() = default;
  // Why the trial is to stop now; nothing: it goes on. Iterations of a trial come in order.
  [[nodiscard]] virtual std::optional<std::string> Report(const PrunerReport& /*report*/) {
    return std::nullopt;
  }
  // In any order.
  virtual void End(const PrunerEnd& /*end*/) {}
  // Who has lost by all ends so far. Each configuration at most once.
  [[nodiscard]] virtual std::vector<Loser> Losers() { return {}; }
  // It has lost already, as an earlier coordinator found.
  virtual void Lose(std::int64_t /*configuration*/) {}

  // Whether trials that it stopped may go on later; without that nobody is to be held.
  [[nodiscard]] virtual bool Promotes() const { return false; }
  // The trial has been stopped and left with a checkpoint. It is held until it is promoted.
  virtual void Hold(std::int64_t /*trial*/) {}
  // It is not held any more, for reasons of others.
  virtual void Release(std::int64_t /*trial*/) {}
  // Those held that go on by all reports so far, each with its latest one; they are not held then.
  [[nodiscard]] virtual std::vector<Promotion> Promoted() { return {}; }
};

// `seeds`: trials of a configuration. `iterations`: of a whole trial, where somebody knows.
[[nodiscard]] std::unique_ptr<Pruner> MakePruner(const EarlyTerminate& rule, int seeds,
                                                 std::optional<std::int64_t> iterations);

}  // namespace ddl
