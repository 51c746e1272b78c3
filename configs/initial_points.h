// SPDX-License-Identifier: Apache-2.0
// The points of a space that a sweep tries first. What one leaves open is drawn.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "configs/conditions.h"
#include "configs/spec.h"

namespace ddl {

struct CompletedPoint {
  std::optional<Configuration> configuration;
  // Where there is none, of the last draw: a parameter that is given and not active, or what
  // forbids it; neither: what is given of zipped lists is not of one place.
  std::string inactive;
  std::optional<Objection> objection;
};

// Initial point `index` of the spec, whose values are of its parameters: the first draw in which
// all that is given is active, and which is allowed. A function of the spec and index alone.
[[nodiscard]] CompletedPoint CompleteInitialPoint(const SweepSpec& spec,
                                                  const Conditions& conditions, std::size_t index);

// All of them, complete, in their order.
[[nodiscard]] std::vector<Configuration> InitialPoints(const SweepSpec& spec);

}  // namespace ddl
