// SPDX-License-Identifier: Apache-2.0
// Runs worlds: one, many, or one in a process of its own, since a failed assertion of the product
// ends the process that it is in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"

namespace ddl::simulation {

struct Failure {
  Options options;
  std::string rule;
  std::string text;
};

[[nodiscard]] Outcome RunWorld(const Options& options);
// Seeds from `first` on, as long as `goes_on` says so. An assertion that fails prints the command
// that replays it and ends the process.
[[nodiscard]] std::optional<Failure> RunSeeds(std::uint64_t first,
                                              const std::function<bool(const Tally&)>& goes_on,
                                              Tally& tally);
// In a process of its own: an assertion is a failure like any other.
[[nodiscard]] std::optional<Failure> RunApart(const Options& options);
// The first of `count` seeds that fails, each in order, in a process of its own that is made anew
// after an assertion only.
struct Found {
  std::optional<Failure> failure;
  std::uint64_t seeds = 0;
};
[[nodiscard]] Found FindFailure(std::uint64_t first, std::uint64_t count);
// Fewer faults, trials, sweeps, hosts and less time, as long as it still fails by the same rule.
[[nodiscard]] Options Shrink(const Failure& failure);

}  // namespace ddl::simulation
