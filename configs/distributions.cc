// SPDX-License-Identifier: Apache-2.0
#include "configs/distributions.h"

#include <algorithm>
#include <array>

namespace ddl {

namespace {

using enum Distribution;
using Shape = DistributionShape;

constexpr std::array<DistributionEntry, 17> kEntries{{
    {kConstant, "constant", Shape::kValue, false, false},
    {kCategorical, "categorical", Shape::kValues, false, false},
    {kIntUniform, "int_uniform", Shape::kBounds, false, false},
    {kUniform, "uniform", Shape::kBounds, false, false},
    {kQUniform, "q_uniform", Shape::kBounds, true, false},
    {kLogUniform, "log_uniform", Shape::kBounds, false, false},
    {kLogUniformValues, "log_uniform_values", Shape::kBounds, false, true},
    {kQLogUniform, "q_log_uniform", Shape::kBounds, true, false},
    {kQLogUniformValues, "q_log_uniform_values", Shape::kBounds, true, true},
    {kInvLogUniform, "inv_log_uniform", Shape::kBounds, false, false},
    {kInvLogUniformValues, "inv_log_uniform_values", Shape::kBounds, false, true},
    {kNormal, "normal", Shape::kNormal, false, false},
    {kQNormal, "q_normal", Shape::kNormal, true, false},
    {kLogNormal, "log_normal", Shape::kNormal, false, false},
    {kQLogNormal, "q_log_normal", Shape::kNormal, true, false},
    {kBeta, "beta", Shape::kBeta, false, false},
    {kQBeta, "q_beta", Shape::kBeta, true, false},
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
