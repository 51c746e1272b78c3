// SPDX-License-Identifier: Apache-2.0
// Bayesian optimisation: a Gaussian process over all that was told, and next where it promises most
// (D. R. Jones, M. Schonlau, W. J. Welch, "Efficient global optimization of expensive black-box
// functions", 1998). Where the model takes a good part of the values for noise, tpe
// proposes three of four.
#pragma once

#include <memory>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

// Beyond these many observations it learns from a chosen part of them: all of the best, and of the
// rest evenly by rank.
inline constexpr std::size_t kMostGpObservations = 500;

// An Error where there are several objectives.
[[nodiscard]] std::unique_ptr<AdaptiveSearch> MakeGp(SearchProblem problem);

}  // namespace ddl
