// SPDX-License-Identifier: Apache-2.0
// Keeps `summary` and a trial's objective in step with its metric rows, one update a (trial, name)
// and transaction however many reports came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "configs/ids.h"
#include "store/sqlite.h"

namespace ddl {

class SummaryWriter {
 public:
  explicit SummaryWriter(const Connection& connection);

  void Add(TrialId trial, std::int64_t name_id, std::int64_t step, double value);
  // Writes what was added since the last time.
  void Finish();
  // The transaction was rolled back: what it taught is not so.
  void Forget();

 private:
  struct Gathered {
    std::int64_t count = 0;
    double last = 0;
    std::int64_t last_step = 0;
    std::optional<double> min;  // NaN is neither smallest nor largest
    std::int64_t min_step = 0;
    std::optional<double> max;
    std::int64_t max_step = 0;
  };

  Statement merge_;
  Statement set_objective_;
  std::map<std::pair<TrialId, std::int64_t>, Gathered> gathered_;
};

}  // namespace ddl
