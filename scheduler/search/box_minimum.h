// SPDX-License-Identifier: Apache-2.0
// Local minima of smooth functions in a box, by L-BFGS. The door to NLopt.
#pragma once

#include <functional>

#include <Eigen/Core>

namespace ddl {

struct BoxMinimum {
  Eigen::VectorXd at;
  double value = 0;
};

// The value at a point; fills the gradient, which is as long as the point.
using SmoothFunction =
    std::function<double(const Eigen::VectorXd& at, Eigen::Ref<Eigen::VectorXd> gradient)>;

// The best point that was looked at, `start` included, after so many evaluations at most.
[[nodiscard]] BoxMinimum MinimizeInBox(const SmoothFunction& function, const Eigen::VectorXd& start,
                                       const Eigen::VectorXd& low, const Eigen::VectorXd& high,
                                       int evaluations);

}  // namespace ddl
