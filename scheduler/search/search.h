// SPDX-License-Identifier: Apache-2.0
// The border behind which configurations are proposed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "configs/space.h"
#include "configs/spec.h"
#include "scheduler/search/adaptive_search.h"
#include "store/store.h"

namespace ddl {

class Search {
 public:
  virtual ~Search() = default;
  // Configurations number first … first + count - 1 of the sweep; fewer when the space is
  // exhausted. For grid, random and sobol a pure function of (spec, first, count).
  // One that learns is asked for new ones in order, and gives known ones again.
  [[nodiscard]] virtual std::vector<Configuration> Propose(std::int64_t first,
                                                           std::int64_t count) = 0;
  // Of one that was proposed: the configuration from whose last checkpoint its trial goes on.
  [[nodiscard]] virtual std::optional<std::int64_t> ParentOf(std::int64_t /*configuration*/) const {
    return std::nullopt;
  }
  // What came of a configuration that was proposed, in terms of the sweep's metric. Means something
  // to a search that learns.
  virtual void Tell(std::int64_t /*configuration*/, const Outcome& /*outcome*/) {}
  // What its user should know of how it works by now, a sentence; mostly nothing.
  [[nodiscard]] virtual std::string Note() const { return {}; }
};

// `steps`: of a sweep that goes on, all that its search was asked and told. `stop`: whoever waits
// for an answer is to give up. What a search cannot do it throws as an Error; it is of no use then.
[[nodiscard]] std::unique_ptr<Search> MakeSearch(const SweepSpec& spec,
                                                 const std::vector<SearchStep>& steps = {},
                                                 std::stop_token stop = {});

// Trials of a sweep that goes on until somebody or a limit stops it; exact as a JSON number.
inline constexpr std::int64_t kOpenEnded = std::int64_t{1} << 53;

// Trials of a sweep: run_cap, or the whole grid times seeds, or the smaller of both. A random or
// sobol search without run_cap is open-ended.
[[nodiscard]] std::int64_t PlannedTrials(const SweepSpec& spec);

}  // namespace ddl
