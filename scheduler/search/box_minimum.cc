// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/box_minimum.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <memory>

#include <nlopt.h>

namespace ddl {

namespace {

using Optimizer = std::unique_ptr<nlopt_opt_s, decltype(&nlopt_destroy)>;

struct Watched {
  const SmoothFunction& function;
  BoxMinimum best;
};

double Watch(unsigned dimensions, const double* x, double* gradient, void* context) {
  constexpr double kHigh = 1e100;  // in place of what is no number
  Watched& watched = *static_cast<Watched*>(context);
  const auto n = static_cast<Eigen::Index>(dimensions);
  const Eigen::VectorXd at = Eigen::Map<const Eigen::VectorXd>(x, n);
  Eigen::VectorXd slope = Eigen::VectorXd::Zero(n);
  double value = watched.function(at, slope);
  if (!std::isfinite(value) || !slope.allFinite()) {
    value = kHigh;
    slope.setZero();
  }
  if (gradient != nullptr) Eigen::Map<Eigen::VectorXd>(gradient, n) = slope;
  if (value < watched.best.value) watched.best = {at, value};
  return value;
}

}  // namespace

// The library's own verdict says nothing of use: where rounding ends its way, the best point that
// it saw is the answer all the same.
BoxMinimum MinimizeInBox(const SmoothFunction& function, const Eigen::VectorXd& start,
                         const Eigen::VectorXd& low, const Eigen::VectorXd& high, int evaluations) {
  assert(start.size() > 0 && start.size() == low.size() && start.size() == high.size());
  const Optimizer optimizer(nlopt_create(NLOPT_LD_LBFGS, static_cast<unsigned>(start.size())),
                            &nlopt_destroy);
  assert(optimizer != nullptr);
  Eigen::VectorXd at = start.cwiseMax(low).cwiseMin(high);
  Watched watched{function, {at, std::numeric_limits<double>::infinity()}};
  nlopt_set_min_objective(optimizer.get(), &Watch, &watched);
  nlopt_set_lower_bounds(optimizer.get(), low.data());
  nlopt_set_upper_bounds(optimizer.get(), high.data());
  nlopt_set_maxeval(optimizer.get(), evaluations);
  nlopt_set_ftol_rel(optimizer.get(), 1e-9);
  nlopt_set_xtol_rel(optimizer.get(), 1e-8);
  double value = 0;
  static_cast<void>(nlopt_optimize(optimizer.get(), at.data(), &value));
  return watched.best;
}

}  // namespace ddl
