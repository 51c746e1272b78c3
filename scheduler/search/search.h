// SPDX-License-Identifier: Apache-2.0
// The border behind which configurations are proposed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "configs/space.h"
#include "configs/spec.h"

namespace ddl {

class Search {
 public:
  virtual ~Search() = default;
  // Configurations number first … first + count - 1 of the sweep; fewer when the space is
  // exhausted. For grid, random and sobol a pure function of (spec, first, count).
  [[nodiscard]] virtual std::vector<Configuration> Propose(std::int64_t first,
                                                           std::int64_t count) = 0;
};

[[nodiscard]] std::unique_ptr<Search> MakeSearch(const SweepSpec& spec);

// Trials of a sweep that goes on until somebody or a limit stops it; exact as a JSON number.
inline constexpr std::int64_t kOpenEnded = std::int64_t{1} << 53;

// Trials of a sweep: run_cap, or the whole grid times seeds, or the smaller of both. A random or
// sobol search without run_cap is open-ended.
[[nodiscard]] std::int64_t PlannedTrials(const SweepSpec& spec);

}  // namespace ddl
