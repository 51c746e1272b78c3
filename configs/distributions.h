// SPDX-License-Identifier: Apache-2.0
// The distributions by their names in specs, and what each needs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "configs/space.h"

namespace ddl {

// What a distribution is described by.
enum class DistributionShape : std::uint8_t { kValue, kValues, kBounds, kNormal, kBeta };

struct DistributionEntry {
  Distribution distribution;
  std::string_view name;
  DistributionShape shape;
  bool is_quantized;  // takes q
  bool needs_positive_bounds;
};

[[nodiscard]] std::span<const DistributionEntry> AllDistributions();
[[nodiscard]] const DistributionEntry& EntryOf(Distribution distribution);
// categorical_w_probabilities is categorical.
[[nodiscard]] std::optional<Distribution> ParseDistribution(std::string_view name);
[[nodiscard]] std::string_view ToString(Distribution distribution);

}  // namespace ddl
