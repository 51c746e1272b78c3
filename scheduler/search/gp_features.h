// SPDX-License-Identifier: Apache-2.0
// Points as a Gaussian process sees them: rows of numbers whose Euclidean distances are meant.
#pragma once

#include <vector>

#include <Eigen/Core>

#include "scheduler/search/domain.h"

namespace ddl {

// An ordered dimension is its coordinate, in the middle of its cell: the process knows that what is
// rounded to the same value is the same (E. C. Garrido-Merchan, D. Hernandez-Lobato, "Dealing with
// categorical and integer-valued variables in Bayesian optimization with Gaussian processes",
// 2020). A categorical one is a column a category: any two are at distance 1. Where a parameter may
// be absent, absence is a place of its own, at distance 1/2 from the middle, or a category.
class GpFeatures {
 public:
  explicit GpFeatures(const Domain& domain);

  // By column, the dimension that it belongs to.
  [[nodiscard]] const std::vector<int>& Owners() const { return owners_; }
  [[nodiscard]] int Dimensions() const { return static_cast<int>(first_column_.size()); }
  // The column of an ordered dimension's coordinate.
  [[nodiscard]] int ColumnOf(int dimension) const {
    return first_column_[static_cast<std::size_t>(dimension)];
  }
  [[nodiscard]] Eigen::VectorXd Of(const Point& point) const;

 private:
  const Domain& domain_;
  std::vector<int> owners_;
  std::vector<int> first_column_;
};

}  // namespace ddl
