// SPDX-License-Identifier: Apache-2.0
#include "configs/allowed_sampling.h"

#include "configs/mix.h"
#include "configs/sampling.h"

namespace ddl {

std::optional<Configuration> SampleAllowed(const Space& space, const Conditions& conditions,
                                           std::uint64_t seed, std::int64_t index) {
  for (std::int64_t draw = 0; draw < kMostDraws; ++draw) {
    Configuration drawn = SampleComplete(space, conditions, seed, index, draw);
    if (conditions.Allows(drawn)) return drawn;
  }
  return std::nullopt;
}

Configuration SampleComplete(const Space& space, const Conditions& conditions, std::uint64_t seed,
                             std::int64_t index, std::int64_t draw) {
  // The first draws are those of a space without rules.
  const std::uint64_t stream = draw == 0 ? seed : Mix(seed ^ Mix(static_cast<std::uint64_t>(draw)));
  return conditions.Complete(SamplePoint(space, stream, index));
}

}  // namespace ddl
