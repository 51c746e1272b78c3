// SPDX-License-Identifier: Apache-2.0
// `search:` of a spec with `method: pbt`, as plain values.
//
// Trials are segments. Configuration n belongs to generation n / population, whose segments train
// up to the same report; a generation begins from the checkpoints of the one before it. So it is
// known of each number, before anything has run, how far its trial goes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "configs/json.h"

namespace ddl {

// Reports are those of the sweep's metric, counted from the beginning of a training, which goes on
// from trial to trial.
struct PbtSettings {
  std::int64_t population = 8;
  std::int64_t interval = 1;           // reports of a segment
  std::int64_t max_iter = 0;           // reports of a whole training
  double quantile = 0.25;              // share that gives up; it goes on from as large a share
  double resample_probability = 0.25;  // of a value: drawn anew rather than moved
  std::vector<double> factors{0.8, 1.2};

  [[nodiscard]] std::int64_t Generations() const { return (max_iter + interval - 1) / interval; }
  [[nodiscard]] std::int64_t Trials() const { return population * Generations(); }
  [[nodiscard]] std::int64_t GenerationOf(std::int64_t configuration) const {
    return configuration / population;
  }
  // The report after which the trial of a configuration has done its part.
  [[nodiscard]] std::int64_t UntilOf(std::int64_t configuration) const {
    return std::min(max_iter, (GenerationOf(configuration) + 1) * interval);
  }
};

[[nodiscard]] Json ToJson(const PbtSettings& settings);
// Throws Json::exception or Error where it is not what ToJson writes.
[[nodiscard]] PbtSettings PbtSettingsFromJson(const Json& json);

}  // namespace ddl
