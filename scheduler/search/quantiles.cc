// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/quantiles.h"

#include <algorithm>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "configs/sampling.h"

namespace ddl {

double BaseAt(const Parameter& parameter, double share) {
  switch (BaseOf(parameter.distribution)) {
    case BaseDistribution::kNormal:
      return boost::math::quantile(boost::math::normal(), share);
    case BaseDistribution::kBeta:
      return boost::math::quantile(boost::math::beta_distribution<>(parameter.a, parameter.b),
                                   share);
    default:
      return share;
  }
}

double ShareBelow(const Parameter& parameter, double base) {
  switch (BaseOf(parameter.distribution)) {
    case BaseDistribution::kNormal:
      return boost::math::cdf(boost::math::normal(), base);
    case BaseDistribution::kBeta:
      return boost::math::cdf(boost::math::beta_distribution<>(parameter.a, parameter.b),
                              std::clamp(base, 0.0, 1.0));
    default:
      return base;
  }
}

double StudentQuantile(double share, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), share);
}

}  // namespace ddl
