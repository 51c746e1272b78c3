// SPDX-License-Identifier: Apache-2.0
// Between a parameter's base (see configs/sampling.h) and the share of its distribution below it.
#pragma once

#include "configs/space.h"

namespace ddl {

// Of a parameter that varies. `share` in (0, 1).
[[nodiscard]] double BaseAt(const Parameter& parameter, double share);
[[nodiscard]] double ShareBelow(const Parameter& parameter, double base);

// Student's t distribution; `share` in (0, 1), `degrees` of freedom above 0.
[[nodiscard]] double StudentQuantile(double share, double degrees);

}  // namespace ddl
