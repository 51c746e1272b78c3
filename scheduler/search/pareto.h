// SPDX-License-Identifier: Apache-2.0
// Points of several objectives, lower is better in each. All have as many values, none is NaN.
#pragma once

#include <cstdint>
#include <vector>

namespace ddl {

using Objectives = std::vector<double>;

// No worse in any objective, better in one.
[[nodiscard]] bool Dominates(const Objectives& a, const Objectives& b);

// Of each point: 0 where nothing dominates it, 1 where only points of rank 0 do, and so on. Equal
// points have equal ranks. O(n log n) for two objectives; Zhang et al., "An efficient approach to
// nondominated sorting" (2015), for more.
[[nodiscard]] std::vector<std::size_t> NondominationRanks(const std::vector<Objectives>& points);

// Those of rank 0, by their place, rising.
[[nodiscard]] std::vector<std::size_t> ParetoFront(const std::vector<Objectives>& points);

// Of points of one rank: how far their neighbours are from each other, a share of the range summed
// over objectives; infinite at the ends. Deb et al., "A fast and elitist multiobjective genetic
// algorithm: NSGA-II" (2002).
[[nodiscard]] std::vector<double> CrowdingDistances(const std::vector<Objectives>& points);

// The volume that the points dominate, up to `reference`; points beyond it add nothing. Exact: by
// sweeps for up to three objectives, O(n log n); else by exclusive volumes, as While, Bradstreet
// and Barone have it ("A fast way of calculating exact hypervolumes", 2012), whose time grows
// exponentially with the objectives.
[[nodiscard]] double Hypervolume(const std::vector<Objectives>& points,
                                 const Objectives& reference);

// What each point alone adds to the volume of all; equal points add nothing.
[[nodiscard]] std::vector<double> HypervolumeContributions(const std::vector<Objectives>& points,
                                                           const Objectives& reference);

}  // namespace ddl
