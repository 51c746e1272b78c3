// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/sobol.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include <gtest/gtest.h>

#include "configs/spec_reader.h"
#include "scheduler/search/search.h"

namespace ddl {
namespace sobol_test {

SweepSpec SpecOf(const std::string& parameters) {
  return ReadSpec("command: [a]\nmethod: sobol\nrun_cap: 64\nparameters: {" + parameters + "}\n",
                  {"spec.yaml", ".", {}})
      .spec;
}

// What makes it a Sobol sequence, scrambled or not: of the first 2^k points each interval of length
// 2^-k holds one, in every dimension.
TEST(SobolSequence, PutsOnePointIntoEachIntervalOfEachDimension) {
  constexpr int kPoints = 256;
  constexpr std::size_t kDimensions = 40;
  SobolSequence sequence(kDimensions, 7);
  std::vector<std::set<int>> intervals(kDimensions);
  for (int i = 0; i < kPoints; ++i) {
    const std::vector<double> point = sequence.Point(i);
    for (std::size_t d = 0; d < kDimensions; ++d) {
      EXPECT_GT(point[d], 0);
      EXPECT_LT(point[d], 1);
      intervals[d].insert(static_cast<int>(point[d] * kPoints));
    }
  }
  for (const auto& taken : intervals)
    EXPECT_EQ(taken.size(), std::size_t{kPoints});
}

// And in the first two dimensions each of the 2^k boxes of a shape (a (0, 2)-sequence).
TEST(SobolSequence, PutsOnePointIntoEachBoxOfTheFirstTwoDimensions) {
  SobolSequence sequence(2, 12345);
  for (const int across : {1, 2, 4, 8, 16, 32, 64}) {
    std::set<std::pair<int, int>> boxes;
    for (int i = 0; i < 64; ++i) {
      const std::vector<double> point = sequence.Point(i);
      boxes.emplace(point[0] * across, point[1] * (64 / across));
    }
    EXPECT_EQ(boxes.size(), 64U) << across;
  }
}

TEST(SobolSequence, IsAPureFunctionOfSeedAndIndex) {
  SobolSequence one(5, 3);
  SobolSequence other(5, 3);
  const auto late = one.Point(1000);
  (void)other.Point(4);
  EXPECT_EQ(other.Point(1000), late);
  EXPECT_NE(SobolSequence(5, 4).Point(1000), late);
}

double ErrorOfAnIntegral(std::uint64_t seed, int points) {
  SobolSequence sequence(3, seed);
  double sum = 0;
  for (int i = 0; i < points; ++i) {
    double product = 1;
    for (const double x : sequence.Point(i))
      product *= std::numbers::pi / 2 * std::sin(std::numbers::pi * x);  // integral 1
    sum += product;
  }
  return sum / points - 1;
}

// Of random points the error is 0.937 / sqrt(n) in the mean: 0.0146. Owen's scrambling makes that
// of a smooth function fall nearly as n to the power of -3/2 (Owen, 1997).
TEST(SobolSequence, IntegratesASmoothFunctionFarBetterThanRandomPoints) {
  constexpr int kSeeds = 16;
  double squares = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
    squares += std::pow(ErrorOfAnIntegral(seed, 4096), 2);
  EXPECT_LT(std::sqrt(squares / kSeeds), 3e-4);
}

TEST(SobolSearch, SpreadsValuesByTheirDistributions) {
  const SweepSpec spec = SpecOf(
      "lr: {distribution: log_uniform_values, min: 0.001, max: 1000}, layers: {min: 1, max: 4}, "
      "act: {values: [relu, tanh]}, noise: {distribution: normal, mu: 5, sigma: 2}, share: "
      "{distribution: beta, a: 2, b: 3}, fixed: {value: 7}");
  EXPECT_EQ(CubeDimensions(spec.space), 5U);
  const auto search = MakeSearch(spec);
  const std::vector<Configuration> points = search->Propose(0, 64);
  std::map<std::string, int> counts;
  double noise = 0;
  double share = 0;
  for (const Configuration& point : points) {
    EXPECT_EQ(point.at("fixed"), 7);
    ++counts["act " + point.at("act").get<std::string>()];
    ++counts["layers " + DumpJson(point.at("layers"))];
    const double decade = std::floor(std::log10(point.at("lr").get<double>()));
    ++counts["decade " + std::to_string(static_cast<int>(decade))];
    noise += point.at("noise").get<double>() / 64;
    share += point.at("share").get<double>() / 64;
  }
  EXPECT_EQ(counts["act relu"], 32);
  for (const char* layers : {"1", "2", "3", "4"})
    EXPECT_EQ(counts[std::string("layers ") + layers], 16);
  for (const int decade : {-3, -2, -1, 0, 1, 2})
    EXPECT_NEAR(counts["decade " + std::to_string(decade)], 64.0 / 6, 1);
  EXPECT_NEAR(noise, 5, 0.1);
  EXPECT_NEAR(share, 0.4, 0.01);
}

TEST(SobolSearch, ProposesTheSameFromAnyStart) {
  const SweepSpec spec = SpecOf("x: {min: 0.0, max: 1.0}, y: {min: 0.0, max: 1.0}");
  const auto whole = MakeSearch(spec)->Propose(0, 64);
  const auto later = MakeSearch(spec)->Propose(40, 8);
  EXPECT_TRUE(std::equal(later.begin(), later.end(), whole.begin() + 40));
}

TEST(SobolSearch, OfConstantsAloneHasNoDimensions) {
  const auto points = MakeSearch(SpecOf("x: {value: 3}"))->Propose(0, 3);
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[2].at("x"), 3);
}

}  // namespace sobol_test
}  // namespace ddl
