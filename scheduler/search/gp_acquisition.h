// SPDX-License-Identifier: Apache-2.0
// Where a Gaussian process promises most: log expected improvement, climbed from many starts.
#pragma once

#include <optional>
#include <vector>

#include "scheduler/search/counter_draws.h"
#include "scheduler/search/gp_features.h"
#include "scheduler/search/gp_model.h"

namespace ddl {

struct GpCandidate {
  Point point;  // complete; ordered coordinates as they come, within [0, 1]
  double value = 0;
};

class GpAcquisition {
 public:
  // `best`: the target to improve on.
  GpAcquisition(const Domain& domain, const GpFeatures& features, const GpPosterior& posterior,
                double best);

  [[nodiscard]] std::vector<double> At(const std::vector<Point>& points) const;
  // The best first: the tops that were climbed, then what was drawn at random and around
  // `incumbents`, which are complete points.
  [[nodiscard]] std::vector<GpCandidate> Search(const std::vector<Point>& incumbents,
                                                CounterDraws& draws) const;

  // A point of the space's own distribution.
  [[nodiscard]] Point Anywhere(CounterDraws& draws) const;

 private:
  // Climbed by slope; the others are tried level by level.
  [[nodiscard]] bool IsSmooth(std::size_t dimension) const;
  [[nodiscard]] Point Near(const Point& point, double reach, CounterDraws& draws) const;
  [[nodiscard]] Point Elsewhere(const Point& point, CounterDraws& draws) const;
  [[nodiscard]] Point Seen(const Point& point) const;
  [[nodiscard]] GpCandidate Climb(GpCandidate start) const;
  void ClimbSlopes(GpCandidate& candidate) const;
  void TryLevels(GpCandidate& candidate) const;
  [[nodiscard]] std::vector<double> Alternatives(std::size_t dimension, double coordinate) const;

  const Domain& domain_;
  const GpFeatures& features_;
  const GpPosterior& posterior_;
  double best_;
  bool is_conditional_ = false;
  bool has_levels_ = false;
};

}  // namespace ddl
