// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_features.h"

#include <cmath>
#include <numbers>

namespace ddl {

GpFeatures::GpFeatures(const Domain& domain) : domain_(domain) {
  const std::vector<Dimension>& dimensions = domain.Dimensions();
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    first_column_.push_back(static_cast<int>(owners_.size()));
    const std::int64_t columns = dimensions[i].is_categorical ? dimensions[i].levels : 1;
    const bool may_be_absent = !domain.ParameterOf(i).when.empty();
    owners_.insert(owners_.end(), static_cast<std::size_t>(columns + (may_be_absent ? 1 : 0)),
                   static_cast<int>(i));
  }
}

Eigen::VectorXd GpFeatures::Of(const Point& point) const {
  constexpr double kCategory = 1 / std::numbers::sqrt2;
  constexpr double kAbsence = 0.5;
  Eigen::VectorXd features = Eigen::VectorXd::Zero(std::ssize(owners_));
  for (std::size_t i = 0; i < point.size(); ++i) {
    const Dimension& dimension = domain_.Dimensions()[i];
    const Eigen::Index first = first_column_[i];
    const auto levels = static_cast<Eigen::Index>(dimension.levels);
    const bool has_absence = !domain_.ParameterOf(i).when.empty();
    const bool is_absent = std::isnan(point[i]);
    if (dimension.is_categorical) {
      const Eigen::Index level = is_absent ? levels : static_cast<Eigen::Index>(point[i]);
      if (level < levels || has_absence) features[first + level] = kCategory;
    } else {
      features[first] = is_absent ? 0.5 : domain_.Snap(i, point[i]);
      if (is_absent && has_absence) features[first + 1] = kAbsence;
    }
  }
  return features;
}

}  // namespace ddl
