// SPDX-License-Identifier: Apache-2.0
#include "configs/sampling.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/grid.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "tests/configs/reference_grid.h"

namespace ddl {
namespace sampling_test {

Space SpaceOf(const std::string& parameters, const char* method = "method: random\nrun_cap: 1") {
  return ReadSpec(std::string("command: [a]\n") + method + "\nparameters: {" + parameters + "}\n",
                  {"spec.yaml", ".", {}})
      .spec.space;
}

TEST(Grid, CountsAndVisitsEveryPointOnce) {
  const Space space = SpaceOf(
      "a: {values: [x, y]}, b: {min: 1, max: 3}, c: {distribution: q_uniform, min: 0, max: 1, q: "
      "0.5}, d: {value: 7}",
      "method: grid");
  const Grid grid(space);
  ASSERT_EQ(grid.Size(), 2 * 3 * 3);
  ASSERT_EQ(GridSize(space), 2 * 3 * 3);
  std::set<std::string> seen;
  for (std::int64_t i = 0; i < 18; ++i)
    seen.insert(DumpJson(grid.Point(i)));
  EXPECT_EQ(seen.size(), 18U);
  EXPECT_EQ(grid.Point(0), Json({{"a", "x"}, {"b", 1}, {"c", 0.0}, {"d", 7}}));
  EXPECT_EQ(grid.Point(1).at("c"), 0.5) << "the last one changes fastest";
  EXPECT_EQ(grid.Point(17), Json({{"a", "y"}, {"b", 3}, {"c", 1.0}, {"d", 7}}));
  for (std::int64_t i = 0; i < 18; ++i)
    EXPECT_EQ(grid.Point(i), GridPoint(space, i));
}

TEST(Grid, SaysWhenItIsBeyondCounting) {
  std::string parameters;
  for (int i = 0; i < 8; ++i)
    parameters += "p" + std::to_string(i) + ": {min: 1, max: 1000000000}, ";
  EXPECT_FALSE(Grid(SpaceOf(parameters)).Size().has_value());
}

TEST(RandomPoints, AreAFunctionOfSeedAndIndex) {
  const Space space = SpaceOf("a: {min: 0.0, max: 1.0}, b: {values: [1, 2, 3]}");
  EXPECT_EQ(SamplePoint(space, 1, 5), SamplePoint(space, 1, 5));
  EXPECT_NE(SamplePoint(space, 1, 5), SamplePoint(space, 1, 6));
  EXPECT_NE(SamplePoint(space, 2, 5), SamplePoint(space, 1, 5));
}

constexpr int kSamples = 20'000;

std::vector<double> Samples(const std::string& parameter) {
  const Space space = SpaceOf("x: {" + parameter + "}");
  std::vector<double> values;
  for (std::int64_t i = 0; i < kSamples; ++i)
    values.push_back(SamplePoint(space, 42, i).at("x").get<double>());
  std::ranges::sort(values);
  return values;
}

// The largest distance between the empirical and the given distribution function stays below the
// 99.9 % point of Kolmogorov's distribution, 1.95 / sqrt(n).
template <class Function>
void ExpectDistribution(const std::string& parameter, Function distribution) {
  const std::vector<double> values = Samples(parameter);
  double worst = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = distribution(values[i]);
    worst = std::max({worst, std::abs(expected - static_cast<double>(i) / kSamples),
                      std::abs(expected - static_cast<double>(i + 1) / kSamples)});
  }
  EXPECT_LT(worst, 1.95 / std::sqrt(kSamples)) << parameter;
}

double NormalBelow(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

TEST(Distributions, HaveTheirDistributionFunctions) {
  ExpectDistribution("distribution: uniform, min: -1.0, max: 3.0",
                     [](double x) { return (x + 1) / 4; });
  ExpectDistribution("distribution: log_uniform_values, min: 0.001, max: 10",
                     [](double x) { return std::log(x / 0.001) / std::log(10 / 0.001); });
  ExpectDistribution("distribution: log_uniform, min: -2, max: 1",
                     [](double x) { return (std::log(x) + 2) / 3; });
  ExpectDistribution("distribution: normal, mu: 2, sigma: 3",
                     [](double x) { return NormalBelow((x - 2) / 3); });
  ExpectDistribution("distribution: log_normal, mu: 0.5, sigma: 0.25",
                     [](double x) { return NormalBelow((std::log(x) - 0.5) / 0.25); });
  ExpectDistribution("distribution: beta, a: 2, b: 1", [](double x) { return x * x; });
  // As W&B has it: 1 - max.. mirrored, so that small steps lie near max.
  const std::vector<double> inverse =
      Samples("distribution: inv_log_uniform_values, min: 0.001, max: 1");
  EXPECT_GE(inverse.front(), 0.001);
  EXPECT_LE(inverse.back(), 1.0);
}

TEST(Distributions, OfWholeNumbersAndStepsAreEven) {
  std::vector<int> counts(4);
  for (const double x : Samples("min: 2, max: 5"))
    ++counts.at(static_cast<std::size_t>(x - 2));
  for (const int count : counts)
    EXPECT_NEAR(count, kSamples / 4, 4 * std::sqrt(kSamples * 0.25 * 0.75));
  for (const char* parameter :
       {"distribution: q_uniform, min: 0, max: 2, q: 0.5", "distribution: q_normal, q: 0.5",
        "distribution: q_log_uniform_values, min: 0.5, max: 100, q: 0.5",
        "distribution: q_log_normal, q: 0.5"}) {
    for (const double x : Samples(parameter))
      ASSERT_EQ(std::round(x / 0.5), x / 0.5) << parameter;
  }
}

TEST(Distributions, FollowTheirProbabilities) {
  const std::vector<double> values = Samples("values: [1, 2, 3], probabilities: [0.1, 0.2, 0.7]");
  const auto ones = std::ranges::count(values, 1.0);
  const auto threes = std::ranges::count(values, 3.0);
  EXPECT_NEAR(static_cast<double>(ones), 2'000, 4 * std::sqrt(kSamples * 0.1 * 0.9));
  EXPECT_NEAR(static_cast<double>(threes), 14'000, 4 * std::sqrt(kSamples * 0.7 * 0.3));
}

}  // namespace sampling_test
}  // namespace ddl
