// SPDX-License-Identifier: Apache-2.0
#include "trainer/vector_math.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace ddl {
namespace vector_math_test {

TEST(VectorMath, ExponentialHasFloatAccuracyOverItsRange) {
  for (double x = -86.9; x < 87.9; x += 0.0137) {
    const double exact = std::exp(static_cast<double>(static_cast<float>(x)));
    EXPECT_NEAR(VectorExp(static_cast<float>(x)) / exact, 1.0, 3e-7) << x;
  }
}

TEST(VectorMath, ExponentialIsLimitedOutsideItsRange) {
  EXPECT_GT(VectorExp(-1000.0F), 0.0F);
  EXPECT_LT(VectorExp(-1000.0F), 1e-37F);
  EXPECT_TRUE(std::isfinite(VectorExp(1000.0F)));
}

TEST(VectorMath, TanhHasFloatAccuracyAndIsOdd) {
  for (double x = -12.0; x < 12.0; x += 0.0031) {
    const auto rounded = static_cast<float>(x);
    EXPECT_NEAR(VectorTanh(rounded), std::tanh(static_cast<double>(rounded)), 2e-7) << x;
    EXPECT_EQ(VectorTanh(-rounded), -VectorTanh(rounded)) << x;
  }
}

TEST(VectorMath, NormalFunctionsAgreeWithTheErrorFunction) {
  for (double x = -8.0; x < 8.0; x += 0.0023) {
    EXPECT_NEAR(VectorNormalCdf(static_cast<float>(x)), 0.5 * std::erfc(-x * M_SQRT1_2), 4e-7) << x;
    EXPECT_NEAR(VectorNormalDensity(static_cast<float>(x)),
                std::exp(-0.5 * x * x) / std::sqrt(2.0 * M_PI), 2e-7)
        << x;
  }
}

TEST(VectorMath, ZeroStaysZeroSoThatPaddingDoes) {
  EXPECT_EQ(VectorTanh(0.0F), 0.0F);
  EXPECT_EQ(0.0F * VectorNormalCdf(0.0F), 0.0F);
}

TEST(VectorMath, NanPassesThrough) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(VectorExp(nan)));
  EXPECT_TRUE(std::isnan(VectorTanh(nan)));
  EXPECT_TRUE(std::isnan(VectorNormalCdf(nan)));
}

}  // namespace vector_math_test
}  // namespace ddl
