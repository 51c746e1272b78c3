// SPDX-License-Identifier: Apache-2.0
// Which parameters tell the best from the rest: how far the distribution of each among the best is
// from its distribution among all. Watanabe, Bansal, Hutter: PED-ANOVA: efficiently quantifying
// hyperparameter importance in arbitrary subspaces (2023); parameters that not every row has as in
// its extension of 2026 (Conditional PED-ANOVA).
#pragma once

#include <cstdint>
#include <vector>

#include "cli/knowledge/forest.h"

namespace ddl {

struct TopShare {
  double share = 0;      // of the sum over all axes
  double deviation = 0;  // standard deviation over resampled rows
};

struct TopShares {
  std::vector<TopShare> axes;
  // How often shuffled values tell the best as far from the rest as these do: above 0.05 the shares
  // mean nothing.
  double p = 1;
};

// `best`: of how many the best are meant, as a share, in (0, 1); lower values are better. All zeros
// where nothing tells them apart. At least two rows.
[[nodiscard]] std::vector<double> PedAnova(const Observations& observations, double best);
// The same with its spread over `resamples` bootstraps of the rows, and tested by as many shuffles.
[[nodiscard]] TopShares PedAnovaWithSpread(const Observations& observations, double best,
                                           int resamples, std::uint64_t seed);

}  // namespace ddl
