// SPDX-License-Identifier: Apache-2.0
// A space as numbers that methods reckon with: each parameter that varies is a dimension.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "configs/conditions.h"
#include "configs/space.h"

namespace ddl {

// Ordered dimensions lie in [0, 1]: the share of the parameter's distribution below the value, so
// that log scales, normal and beta distributions are even there. Values that are numbers in rising
// or falling order, without probabilities, are ordered too, and so are those that the spec calls
// ordinal. Zipped lists are one dimension, of the first of them. Derived parameters are none.
struct Dimension {
  std::size_t parameter = 0;    // index in the space
  bool is_categorical = false;  // its coordinate is 0, 1, …, levels - 1, in no order
  bool is_stepped = false;      // ordered, and neighbours share a value: integers, multiples of q
  std::int64_t levels = 0;      // values that it takes; 0: a continuum, or without bound
};

// One coordinate a dimension; NaN where the parameter is not part of the configuration.
using Point = std::vector<double>;

class Domain {
 public:
  explicit Domain(Space space);

  [[nodiscard]] const Space& GetSpace() const { return space_; }
  // Without constraints: those are the search's (SearchProblem::is_allowed).
  [[nodiscard]] const Conditions& GetConditions() const { return conditions_; }
  [[nodiscard]] const std::vector<Dimension>& Dimensions() const { return dimensions_; }
  [[nodiscard]] const Parameter& ParameterOf(std::size_t dimension) const {
    return space_[dimensions_[dimension].parameter];
  }
  // Complete: constants and all, without what is inactive there, with what is derived
  // (configs/conditions.h). Ordered coordinates are clamped to [0, 1]; one that is NaN counts as in
  // the middle, or as the first of what has no order, which matters only where it is active.
  [[nodiscard]] Configuration Decode(const Point& point) const;
  // The other way: the middle of the cell. NaN for a value that the parameter cannot have, and for
  // what is inactive.
  [[nodiscard]] Point Encode(const Configuration& configuration) const;
  // The coordinates of an ordered dimension that give the same value as this one; of a continuum,
  // the coordinate twice.
  [[nodiscard]] std::pair<double, double> Cell(std::size_t dimension, double coordinate) const;
  // The middle of the cell.
  [[nodiscard]] double Snap(std::size_t dimension, double coordinate) const;
  // Of what has no order: the category at a share in (0, 1) of its distribution, as random draws
  // have it.
  [[nodiscard]] double CategoryAt(std::size_t dimension, double share) const;
  // False for a category of probability 0, which is tried where the user names it, and by no
  // method.
  [[nodiscard]] bool MayDraw(std::size_t dimension, double coordinate) const;

 private:
  [[nodiscard]] std::size_t ListPlaceOf(std::size_t dimension, double coordinate) const;
  [[nodiscard]] std::optional<std::size_t> PlaceIn(const Configuration& configuration,
                                                   std::size_t parameter) const;

  Space space_;
  Conditions conditions_;
  std::vector<std::vector<std::size_t>> zipped_;  // by parameter: those that are zipped to it
  std::vector<Dimension> dimensions_;
};

}  // namespace ddl
