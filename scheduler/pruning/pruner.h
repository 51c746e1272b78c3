// SPDX-License-Identifier: Apache-2.0
// Which trials stop before their end. A pruner is told every report of the metric and says so then;
// it has no clock and no randomness, and fed the same again it stands where it stood.
#pragma once

#include <cstdint>
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

class Pruner {
 public:
  virtual ~Pruner() = default;
  // Why the trial is to stop now; nothing: it goes on. Iterations of a trial come in order.
  [[nodiscard]] virtual std::optional<std::string> Report(const PrunerReport& /*report*/) {
    return std::nullopt;
  }
  // Who has lost by that. Each configuration at most once.
  [[nodiscard]] virtual std::vector<Loser> End(const PrunerEnd& /*end*/) { return {}; }
};

// `seeds`: trials of a configuration. `iterations`: of a whole trial, where somebody knows.
[[nodiscard]] std::unique_ptr<Pruner> MakePruner(const EarlyTerminate& rule, int seeds,
                                                 std::optional<std::int64_t> iterations);

}  // namespace ddl
