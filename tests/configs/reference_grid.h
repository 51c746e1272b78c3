// SPDX-License-Identifier: Apache-2.0
// The grid of a space in which nothing depends on anything: what Grid is held against.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <vector>

#include "configs/sampling.h"

namespace ddl {

// Nothing when it is beyond 2^62. Ranges of int_uniform and q_uniform count by their steps.
inline std::optional<std::int64_t> GridSize(const Space& space) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  std::int64_t size = 1;
  for (const Parameter& parameter : space) {
    const std::int64_t steps = parameter.zipped_to ? 1 : GridSteps(parameter);
    assert(steps > 0);
    if (size > kMost / steps) return std::nullopt;
    size *= steps;
  }
  return size;
}

// The last parameter changes fastest.
inline Configuration GridPoint(const Space& space, std::int64_t index) {
  std::vector<std::int64_t> steps(space.size());
  for (std::size_t i = space.size(); i-- > 0;) {
    if (space[i].zipped_to) continue;
    const std::int64_t count = GridSteps(space[i]);
    steps[i] = index % count;
    index /= count;
  }
  Configuration configuration = Json::object();
  for (std::size_t i = 0; i < space.size(); ++i) {
    configuration[space[i].Name()] = GridValue(space[i], steps[space[i].zipped_to.value_or(i)]);
  }
  return configuration;
}

}  // namespace ddl
