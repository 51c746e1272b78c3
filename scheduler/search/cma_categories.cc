// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/cma_categories.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

namespace ddl {

namespace {

// How fast probabilities follow; found on generated mixed spaces.
constexpr double kCategoryRate = 0.5;

// Raises what is below `least`, but not 0, to it and takes that from the others, as they have.
void RaiseToMargin(std::vector<double>& probabilities, double least) {
  double above = 0;
  for (double& probability : probabilities) {
    if (probability <= 0) continue;
    probability = std::max(probability, least);
    above += probability - least;
  }
  const double excess = std::accumulate(probabilities.begin(), probabilities.end(), 0.0) - 1;
  for (double& probability : probabilities) {
    if (above > 0 && probability > 0) probability -= excess * (probability - least) / above;
  }
}

}  // namespace

CmaCategories::CmaCategories(std::vector<std::vector<double>> probabilities)
    : probabilities_(std::move(probabilities)) {}

std::int64_t CmaCategories::At(std::size_t dimension, double uniform) const {
  const std::vector<double>& chances = probabilities_[dimension];
  std::size_t last = 0;
  for (std::size_t level = 0; level < chances.size(); ++level) {
    if (chances[level] <= 0) continue;
    last = level;
    if (uniform < chances[level]) break;
    uniform -= chances[level];
  }
  return static_cast<std::int64_t>(last);
}

void CmaCategories::Update(const std::vector<std::vector<std::int64_t>>& ranked,
                           const std::vector<double>& weights) {
  assert(ranked.size() == weights.size());
  double squares = 0;
  for (const double weight : weights)
    squares += weight * weight;
  const double rate = std::min(0.5, kCategoryRate * 1 / squares / (1 / squares + 2));
  for (std::size_t d = 0; d < probabilities_.size(); ++d) {
    std::vector<double>& chances = probabilities_[d];
    double learnt = 0;
    for (std::size_t i = 0; i < ranked.size(); ++i)
      learnt += chances[static_cast<std::size_t>(ranked[i][d])] > 0 ? rate * weights[i] : 0;
    for (double& chance : chances)
      chance *= 1 - learnt;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
      double& chance = chances[static_cast<std::size_t>(ranked[i][d])];
      if (chance > 0) chance += rate * weights[i];
    }
    // CatCMA, section 4.3: with this margin three quarters of the draws hold no other category than
    // the likeliest, once all have converged.
    const auto levels = static_cast<double>(
        std::ranges::count_if(chances, [](double chance) { return chance > 0; }));
    const auto dimensions = static_cast<double>(probabilities_.size());
    if (levels > 1) {
      RaiseToMargin(chances, (1 - std::pow(0.73, 1 / dimensions)) / (levels - 1));
    }
  }
}

}  // namespace ddl
