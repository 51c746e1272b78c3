// SPDX-License-Identifier: Apache-2.0
// Points of a space as pure functions of an index: the same everywhere, whatever came before.
#pragma once

#include <cstdint>
#include <optional>

#include "configs/space.h"

namespace ddl {

// Points have a value for each parameter, zipped ones from one place of their lists. What is
// inactive there is left out, and what is derived put in, by Conditions (configs/conditions.h).

// Values that a parameter takes in a grid, and value number `step` of them.
[[nodiscard]] std::int64_t GridSteps(const Parameter& parameter);
[[nodiscard]] Json GridValue(const Parameter& parameter, std::int64_t step);
// The step that has this value; nothing where none has.
[[nodiscard]] std::optional<std::int64_t> GridStepOf(const Parameter& parameter, const Json& value);

// What a distribution is made of: a number uniform in (0, 1), standard normal, or beta of its own a
// and b. Nothing for a constant.
enum class BaseDistribution : std::uint8_t { kNone, kUniform, kNormal, kBeta };
[[nodiscard]] BaseDistribution BaseOf(Distribution distribution);
// The parameter's value where its base is `base`; a rising function of it, but for inv_log_uniform.
[[nodiscard]] Json ValueAt(const Parameter& parameter, double base);
// kCategorical: the place in the list.
[[nodiscard]] std::size_t PlaceAt(const Parameter& parameter, double base);

// The base that gives this value, a number; of an integer the middle of those that do. May lie
// beyond what the distribution draws, also as an infinity or NaN.
[[nodiscard]] double BaseOfValue(const Parameter& parameter, double value);

// Point `index` of the random stream of `seed`.
[[nodiscard]] Configuration SamplePoint(const Space& space, std::uint64_t seed, std::int64_t index);

}  // namespace ddl
