// SPDX-License-Identifier: Apache-2.0
// Which parameters mattered: over the whole space by functional ANOVA, and among the best tenth by
// PED-ANOVA, each shown only where it tells more than chance does. docs/search.md says what the
// figures mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/knowledge/forest.h"
#include "configs/space.h"

namespace ddl {

inline constexpr std::size_t kMostConfigurations = 1'000;  // reckoned with; bounds the time

// What a configuration reached, the mean over its seeds; finite.
struct ConfigurationValue {
  Configuration configuration;
  double value = 0;
};

struct Importance {
  std::vector<std::string> parameters;  // one, or a pair beyond what each does by itself
  double share = 0;
  double deviation = 0;  // over trees, or over resampled configurations
};

struct Importances {
  std::int64_t configurations = 0;
  std::int64_t needed = 0;  // so many it takes; with fewer the rest is empty
  // So many values are far worse than most, as of runs that diverged; over the whole space they
  // count as the worst of the others.
  std::int64_t far_out = 0;
  double explained = 0;  // share of the variance that the trees foretell where they have not seen
  std::vector<Importance>
      whole;                     // largest first; empty where the trees foretell no more than noise
  std::vector<Importance> best;  // largest first; empty where shuffled values tell as much
};

// Nothing where fewer than two parameters vary, or more than 100: those would take too
// long.
[[nodiscard]] std::optional<Importances> ImportancesOf(const Space& space, bool maximize,
                                                       const std::vector<ConfigurationValue>& all);

// Whether it has more than one possible value.
[[nodiscard]] bool Varies(const Parameter& parameter);
// The configurations as rows; `parameters`: the index in the space that each axis is. Of two sides
// one is better where its value is lower.
struct EncodedSpace {
  std::vector<std::size_t> parameters;
  Observations rows;
};
[[nodiscard]] EncodedSpace EncodeConfigurations(const Space& space, bool maximize,
                                                const std::vector<ConfigurationValue>& all);

}  // namespace ddl
