// SPDX-License-Identifier: Apache-2.0
#include "configs/distributions.h"

#include <algorithm>
#include <array>

namespace ddl {

namespace {

using enum Distribution;
constexpr std::array<DistributionEntry, 17> kEntries{{
    {kConstant, "constant", DistributionShape::kValue, false, false},
    {kCategorical, "categorical", DistributionShape::kValues, false, false},
    {kIntUniform, "int_uniform", DistributionShape::kBounds, false, false},
    {kUniform, "uniform", DistributionShape::kBounds, false, false},
    {kQUniform, "q_uniform", DistributionShape::kBounds, true, false},
    {kLogUniform, "log_uniform", DistributionShape::kBounds, false, false},
    {kLogUniformValues, "log_uniform_values", DistributionShape::kBounds, false, true},
    {kQLogUniform, "q_log_uniform", DistributionShape::kBounds, true, false},
    {kQLogUniformValues, "q_log_uniform_values", DistributionShape::kBounds, true, true},
    {kInvLogUniform, "inv_log_uniform", DistributionShape::kBounds, false, false},
    {kInvLogUniformValues, "inv_log_uniform_values", DistributionShape::kBounds, false, true},
    {kNormal, "normal", DistributionShape::kNormal, false, false},
    {kQNormal, "q_normal", DistributionShape::kNormal, true, false},
    {kLogNormal, "log_normal", DistributionShape::kNormal, false, false},
    {kQLogNormal, "q_log_normal", DistributionShape::kNormal, true, false},
    {kBeta, "beta", DistributionShape::kBeta, false, false},
    {kQBeta, "q_beta", DistributionShape::kBeta, true, false},
}};

}  // namespace

std::span<const DistributionEntry> AllDistributions() {
  return kEntries;
}

const DistributionEntry& EntryOf(Distribution distribution) {
  return *std::ranges::find(kEntries, distribution, &DistributionEntry::distribution);
}

std::optional<Distribution> ParseDistribution(std::string_view name) {
  if (name == "categorical_w_probabilities") return kCategorical;
  const auto found = std::ranges::find(kEntries, name, &DistributionEntry::name);
  if (found == kEntries.end()) return std::nullopt;
  return found->distribution;
}

std::string_view ToString(Distribution distribution) {
  return EntryOf(distribution).name;
}

}  // namespace ddl
