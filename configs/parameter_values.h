// SPDX-License-Identifier: Apache-2.0
// Whether a parameter can have a value.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "configs/space.h"

namespace ddl {

// The parameter's own form of this value: the one of its list that equals it, the multiple of q
// that it is but for rounding, a whole number without a point. Nothing where it cannot have it. Not
// for derived parameters.
[[nodiscard]] std::optional<Json> AsValueOf(const Parameter& parameter, const Json& value);

// Least and largest value, before rounding to q; infinite where there is none. For distributions.
[[nodiscard]] std::pair<double, double> BoundsOf(const Parameter& parameter);

// What it can have, for messages: "[1, 2, 3]", "1 to 10", "a multiple of 0.5 from 0 to 2".
[[nodiscard]] std::string ShownValues(const Parameter& parameter);

}  // namespace ddl
