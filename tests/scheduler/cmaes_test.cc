// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/cmaes.h"

#include <cmath>
#include <numeric>

#include "search_runs.h"
#include <boost/math/distributions/normal.hpp>
#include <gtest/gtest.h>

#include "scheduler/search/cma_categories.h"
#include "scheduler/search/cma_distribution.h"
#include "scheduler/search/counter_draws.h"

namespace ddl {
namespace cmaes_test {

// Evaluations until an ellipsoid with this condition is below 1e-8.
int EvaluationsUntilSolved(int dimensions, double condition, std::uint64_t seed) {
  const int population = 4 + static_cast<int>(3 * std::log(dimensions));
  CmaDistribution distribution(Eigen::VectorXd::Constant(dimensions, 3), 2, population);
  for (int generation = 0; generation < 2000; ++generation) {
    std::vector<std::pair<double, Eigen::VectorXd>> members;
    for (int i = 0; i < population; ++i) {
      CounterDraws draws(seed, static_cast<std::uint64_t>(generation * population + i), 1);
      Eigen::VectorXd normal(dimensions);
      for (double& value : normal)
        value = draws.Normal();
      Eigen::VectorXd x = distribution.PointAt(normal);
      double loss = 0;
      for (int d = 0; d < dimensions; ++d)
        loss += std::pow(condition, static_cast<double>(d) / (dimensions - 1)) * x[d] * x[d];
      members.emplace_back(loss, std::move(x));
    }
    std::ranges::sort(members, {}, &std::pair<double, Eigen::VectorXd>::first);
    if (members.front().first < 1e-8) return generation * population;
    std::vector<Eigen::VectorXd> ranked;
    for (const auto& member : members)
      ranked.push_back(member.second);
    distribution.Update(ranked);
  }
  return 1 << 20;
}

// Hansen's own purecma takes about 850 on the sphere and 2,700 on an ellipsoid of 1e6 in 5
// dimensions.
TEST(Cmaes, SolvesBowlsAsFastAsItsReference) {
  EXPECT_LT(EvaluationsUntilSolved(5, 1, 1), 1200);
  EXPECT_LT(EvaluationsUntilSolved(5, 1e6, 1), 4500);
}

TEST(Cmaes, KeepsAMarginInsideBothSides) {
  CmaDistribution distribution(Eigen::VectorXd::Constant(2, 0.5), 1e-3, 6);
  distribution.KeepMargin(0, 0.4, 0.6, 0.1);
  const boost::math::normal normal(distribution.Mean()[0], distribution.Deviation(0));
  EXPECT_GE(boost::math::cdf(normal, 0.4), 0.049);
  EXPECT_GE(boost::math::cdf(boost::math::complement(normal, 0.6)), 0.049);
  EXPECT_DOUBLE_EQ(distribution.Deviation(1), 1e-3);
}

TEST(Cmaes, KeepsAMarginAtTheEdgeByItsMean) {
  CmaDistribution distribution(Eigen::VectorXd::Constant(1, 0.05), 0.02, 6);
  distribution.KeepMargin(0, 0, 0.25, 0.1);
  const boost::math::normal normal(distribution.Mean()[0], distribution.Deviation(0));
  EXPECT_NEAR(boost::math::cdf(boost::math::complement(normal, 0.25)), 0.1, 1e-9);
  EXPECT_DOUBLE_EQ(distribution.Deviation(0), 0.02);
}

TEST(Cmaes, ChangesNothingWhereDrawsLeaveTheCellAnyway) {
  CmaDistribution distribution(Eigen::VectorXd::Constant(1, 0.5), 0.3, 6);
  distribution.KeepMargin(0, 0.4, 0.6, 0.1);
  EXPECT_DOUBLE_EQ(distribution.Mean()[0], 0.5);
  EXPECT_DOUBLE_EQ(distribution.Deviation(0), 0.3);
}

TEST(Cmaes, NoCategoryDiesOut) {
  CmaCategories categories({{0.25, 0.25, 0.25, 0.25}, {0.5, 0.5}});
  for (int i = 0; i < 300; ++i)
    categories.Update({{2, 0}, {2, 0}}, {0.6, 0.4});
  for (std::size_t d = 0; d < 2; ++d) {
    const std::vector<double>& chances = categories.Of(d);
    EXPECT_NEAR(std::accumulate(chances.begin(), chances.end(), 0.0), 1, 1e-12);
    EXPECT_GT(*std::ranges::min_element(chances), 0.02);
  }
  EXPECT_GT(categories.Of(0)[2], 0.8);
  EXPECT_EQ(categories.At(1, 0.01), 0);
  EXPECT_EQ(categories.At(1, 0.999), 1);
}

TEST(Cmaes, NeverWaitsForItsGeneration) {
  const auto search = MakeCmaes({.space = UnitCube(3), .seed = 1});
  for (int number = 0; number < 200; ++number) {
    const auto proposed = search->Propose(number);
    ASSERT_TRUE(proposed);
    search->Take(number, *proposed);
  }
  for (int number = 0; number < 200; ++number)
    search->Tell(number, Finished(number));
  EXPECT_TRUE(search->Propose(200));
}

// One valley leads nowhere; a restart finds the other.
TEST(Cmaes, RestartsWhereNothingImproves) {
  const Loss loss = [](const Configuration& c) {
    const double wide = std::pow(At(c, 0) - 0.4, 2) + std::pow(At(c, 1) - 0.4, 2);
    const double narrow = std::pow(At(c, 0) - 0.9, 2) + std::pow(At(c, 1) - 0.9, 2);
    return std::min(wide + 0.1, 2 * narrow);
  };
  EXPECT_LT(MedianLeastLoss(&MakeCmaes, UnitCube(2), loss, 2500, 3), 1e-3);
}

TEST(Cmaes, FollowsABetterPointOfSomebodyElse) {
  const auto search = MakeCmaes({.space = UnitCube(2), .seed = 4});
  const Loss loss = [](const Configuration& c) {
    return std::pow(At(c, 0) - 0.95, 2) + std::pow(At(c, 1) - 0.05, 2);
  };
  const auto without = MakeCmaes({.space = UnitCube(2), .seed = 4});
  RunOneByOne(*search, loss, 8);
  RunOneByOne(*without, loss, 8);
  const Configuration best{{"x0", 0.95}, {"x1", 0.05}};
  search->Take(8, best);
  search->Tell(8, Finished(loss(best)));
  double with_it = 0;
  double without_it = 0;
  for (const Configuration& c : RunOneByOne(*search, loss, 12, 9))
    with_it += loss(c);
  for (const Configuration& c : RunOneByOne(*without, loss, 12, 9))
    without_it += loss(c);
  EXPECT_LT(with_it, without_it);
}

// Of a warm start: many failed on one side, and few finished on the other.
TEST(Cmaes, BeginsWhereOthersFinishedAndNotWhereTheyFailed) {
  const auto search = MakeCmaes({.space = UnitCube(1), .seed = 3});
  for (std::int64_t number = 0; number < 23; ++number) {
    const bool has_failed = number >= 3;
    search->Take(number, {{"x0", has_failed ? 0.9 : 0.1 + 0.001 * static_cast<double>(number)}});
    search->Tell(number, has_failed ? Outcome{.kind = Outcome::Kind::kFailed} : Finished(1));
  }
  double sum = 0;
  for (std::int64_t number = 23; number < 33; ++number) {
    const Configuration proposed = search->Propose(number).value();
    search->Take(number, proposed);
    sum += At(proposed, 0);
  }
  EXPECT_LT(sum / 10, 0.3);
}

}  // namespace cmaes_test
}  // namespace ddl
