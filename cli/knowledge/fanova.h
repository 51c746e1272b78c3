// SPDX-License-Identifier: Apache-2.0
// Which parameters, and which pairs of them, a forest's values come from: functional analysis of
// variance over its leaves. Hutter, Hoos, Leyton-Brown: An efficient approach for assessing
// hyperparameter importance (2014).
#pragma once

#include <vector>

#include "cli/knowledge/forest.h"

namespace ddl {

// A share of the variance over the whole space, where every point is as likely as the search's
// distributions make it: mean and standard deviation over the trees that have any variance.
struct VarianceShare {
  std::vector<std::size_t> axes;  // one: by itself; two: what both do beyond that
  double mean = 0;
  double deviation = 0;
};

struct VarianceShares {
  std::vector<VarianceShare> single;  // one an axis, in their order
  std::vector<VarianceShare> pairs;   // of `paired` axes, in the order (0,1), (0,2), …, (1,2), …
};

// `paired`: rising indices of axes. Costs leaves² · pairs / 2 steps a tree.
[[nodiscard]] VarianceShares Fanova(const Forest& forest, const std::vector<Axis>& axes,
                                    const std::vector<std::size_t>& paired);

}  // namespace ddl
