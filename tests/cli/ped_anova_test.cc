// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/ped_anova.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/cli/sample_observations.h"

namespace ddl {
namespace ped_anova_test {

// 120 points of a lattice: two numbers, an integer of five levels, three categories. With
// `conditional` the second number exists beside two of the categories only.
Observations Lattice(bool conditional) {
  Observations rows;
  rows.axes = {{}, {}, {.levels = 5}, {.categories = {1.0 / 3, 1.0 / 3, 1.0 / 3}}};
  rows.axes[1].low = conditional ? -0.5 : 0;
  rows.axes[1].is_conditional = conditional;
  rows.columns.resize(4);
  for (int i = 0; i < 120; ++i) {
    const auto share = [i](double step) { return std::fmod(0.5 + (i + 1) * step, 1.0); };
    const double x = share(0.6180339887498949);
    const double y = share(0.7548776662466927);
    const double level = std::floor(share(0.8191725133961645) * 5);
    const double category = std::floor(share(0.5698402909980532) * 3);
    const bool is_absent = conditional && category == 0;
    rows.columns[0].push_back(x);
    rows.columns[1].push_back(is_absent ? -0.25 : y);
    rows.columns[2].push_back((level + 0.5) / 5);
    rows.columns[3].push_back(category);
    const double of_category = category == 0 ? 0.3 : category == 1 ? 0.0 : 0.1;
    rows.values.push_back((x - 0.3) * (x - 0.3) + (is_absent ? 0 : 0.2 * y) +
                          0.05 * std::abs(level - 1) + of_category);
  }
  return rows;
}

// What optuna 5.0.0's PedAnovaImportanceEvaluator says of the same rows.
TEST(PedAnova, AgreesWithOptuna) {
  const std::vector<double> shares = PedAnova(Lattice(false), 0.1);
  const std::vector<double> theirs{0.21442005161038072, 0.5843228069213559, 0.09955802815017248,
                                   0.1016991133180909};
  for (std::size_t axis = 0; axis < 4; ++axis)
    EXPECT_NEAR(shares[axis], theirs[axis], 1e-9) << axis;
}

TEST(PedAnova, AgreesWithOptunaWhereNotEveryRowHasAParameter) {
  const std::vector<double> shares = PedAnova(Lattice(true), 0.1);
  const std::vector<double> theirs{0.16473062791489443, 0.680651298647338, 0.07648658028003506,
                                   0.07813149315773252};
  for (std::size_t axis = 0; axis < 4; ++axis)
    EXPECT_NEAR(shares[axis], theirs[axis], 1e-9) << axis;
}

TEST(PedAnova, FindsWhatOnlyTheBestDiffersIn) {
  // Far from the optimum only the first parameter counts, near it only the second.
  Observations rows = test::Drawn(3, 1'000, 3);
  test::SetValues(rows,
                  [](const std::vector<double>& x) { return x[0] > 0.5 ? 100 * x[0] : x[1]; });
  const std::vector<double> shares = PedAnova(rows, 0.1);
  EXPECT_GT(shares[1], 0.8);
  EXPECT_LT(shares[2], 0.05);
}

TEST(PedAnova, SpreadsMoreOverFewRowsThanOverMany) {
  const auto spread = [](std::size_t count) {
    Observations rows = test::Drawn(3, count, 4);
    test::SetValues(rows, [](const std::vector<double>& x) { return x[0] + x[1] / 2; });
    return PedAnovaWithSpread(rows, 0.1, 50, 1).axes[0];
  };
  const TopShare few = spread(50);
  const TopShare many = spread(2'000);
  EXPECT_GT(few.deviation, 2 * many.deviation);
  EXPECT_GT(many.deviation, 0);
  EXPECT_GT(many.share, 0.5);
  EXPECT_EQ(few.deviation, spread(50).deviation);
}

TEST(PedAnova, IsZeroWhereNothingVaries) {
  Observations rows = test::Drawn(2, 30, 5);  // all values are 0: all are the best
  for (const TopShare& share : PedAnovaWithSpread(rows, 0.1, 10, 1).axes)
    EXPECT_NEAR(share.share, 0, 1e-12);
}

TEST(PedAnova, SaysHowOftenShuffledValuesWouldTellAsMuch) {
  Observations rows = test::Drawn(3, 100, 6);
  test::SetValues(rows, [](const std::vector<double>& x) { return x[0] - x[1]; });
  EXPECT_LT(PedAnovaWithSpread(rows, 0.1, 99, 1).p, 0.02);
  int shown = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Observations noise = test::Drawn(3, 60, 100 + seed);
    noise.values = test::Drawn(1, 60, 900 + seed).columns[0];
    shown += PedAnovaWithSpread(noise, 0.1, 39, seed).p <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(shown, 12);  // 5 are to be expected, and 3 standard errors above
}

}  // namespace ped_anova_test
}  // namespace ddl
