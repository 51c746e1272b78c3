// SPDX-License-Identifier: Apache-2.0
// Random configurations that a space's rules allow.
#pragma once

#include <cstdint>
#include <optional>

#include "configs/conditions.h"
#include "configs/space.h"

namespace ddl {

// So many draws in a row that are all forbidden count as: there is none.
inline constexpr std::int64_t kMostDraws = 100'000;

// Complete configuration `index` of the random stream of `seed`: the first allowed one of a row of
// draws that is its own, so that it is a function of seed and index alone, and its distribution is
// that of the space where it is allowed. Without constraints that is SamplePoint, completed.
[[nodiscard]] std::optional<Configuration> SampleAllowed(const Space& space,
                                                         const Conditions& conditions,
                                                         std::uint64_t seed, std::int64_t index);

// Draw number `draw` of that row, allowed or not; complete.
[[nodiscard]] Configuration SampleComplete(const Space& space, const Conditions& conditions,
                                           std::uint64_t seed, std::int64_t index,
                                           std::int64_t draw);

}  // namespace ddl
