// SPDX-License-Identifier: Apache-2.0
// Of population based training: what a member trained with, from its first report to its last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/pieces.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "configs/spec.h"
#include "store/reader.h"

namespace ddl {

// Reports first … last of the training were made by this trial.
struct ScheduleSegment {
  std::int64_t trial = 0;
  std::int64_t first = 1;
  std::int64_t last = 1;
  std::optional<double> objective;
  Json parameters;
};

// Those that the trial goes on from, the first one first, and itself. Empty where the sweep is not
// one of pbt.
[[nodiscard]] std::vector<ScheduleSegment> ReadSchedule(const StoreReader& reader,
                                                        const SweepLine& sweep,
                                                        const SweepSpec& spec, std::int64_t trial);

[[nodiscard]] Lines ScheduleLines(const std::vector<ScheduleSegment>& schedule,
                                  const std::vector<std::string>& varying,
                                  const std::string& metric, const Terminal& terminal);
[[nodiscard]] Json ScheduleJson(const std::vector<ScheduleSegment>& schedule);

}  // namespace ddl
