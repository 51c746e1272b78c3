// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/domain.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/sampling.h"
#include "configs/spec_reader.h"

namespace ddl {
namespace domain_test {

constexpr const char* kAll = R"(
  constant: {value: 7}
  whole: {min: 1, max: 10}
  real: {min: -1.0, max: 3.0}
  q: {distribution: q_uniform, min: 0.1, max: 0.9, q: 0.2}
  log: {distribution: log_uniform, min: -3, max: 2}
  rate: {distribution: log_uniform_values, min: 1.0e-5, max: 1.0}
  q_rate: {distribution: q_log_uniform_values, min: 1, max: 1000, q: 4}
  inverse: {distribution: inv_log_uniform_values, min: 0.1, max: 20.0}
  normal: {distribution: normal, mu: 3, sigma: 2}
  q_normal: {distribution: q_normal, mu: 0, sigma: 5, q: 2}
  log_normal: {distribution: log_normal, mu: 1, sigma: 0.5}
  beta: {distribution: beta, a: 2, b: 5}
  names: {values: [relu, gelu, tanh]}
  sizes: {values: [16, 64, 256]}
  likely: {values: [1, 2], probabilities: [0.9, 0.1]}
)";

Space SpaceOf(const std::string& parameters) {
  const std::string text = "command: [train]\nmethod: random\nrun_cap: 9\nparameters:" + parameters;
  return ReadSpec(text, {"spec.yaml", ".", {}}).spec.space;
}

TEST(Domain, GivesBackEveryPointThatItsSpaceDraws) {
  const Space space = SpaceOf(kAll);
  const Domain domain(space);
  for (int i = 0; i < 500; ++i) {
    const Configuration drawn = SamplePoint(space, 5, i);
    const Configuration back = domain.Decode(domain.Encode(drawn));
    for (const Parameter& p : space) {
      const Json& value = drawn.at(p.Name());
      if (value.is_number_float()) {
        EXPECT_NEAR(back.at(p.Name()).get<double>(), value.get<double>(),
                    1e-9 * (1 + std::abs(value.get<double>())))
            << p.Name();
      } else {
        EXPECT_EQ(back.at(p.Name()), value) << p.Name();
      }
    }
  }
}

TEST(Domain, TellsOrderedFromCategorical) {
  const Domain domain(SpaceOf(kAll));
  std::string categorical;
  for (std::size_t i = 0; i < domain.Dimensions().size(); ++i) {
    if (domain.Dimensions()[i].is_categorical) categorical += domain.ParameterOf(i).Name() + " ";
  }
  EXPECT_EQ(categorical, "names likely ");
}

TEST(Domain, CountsLevels) {
  const Domain domain(SpaceOf(kAll));
  std::vector<std::int64_t> levels;
  for (const Dimension& dimension : domain.Dimensions())
    levels.push_back(dimension.levels);
  EXPECT_THAT(levels, testing::ElementsAre(10, 0, 5, 0, 0, 251, 0, 0, 0, 0, 0, 3, 3, 2));
}

TEST(Domain, CellsOfAStepMakeUpTheWhole) {
  const Domain domain(SpaceOf(kAll));
  for (std::size_t i = 0; i < domain.Dimensions().size(); ++i) {
    if (!domain.Dimensions()[i].is_stepped) continue;
    double at = 1e-9;
    int steps = 0;
    for (; at < 1 - 1e-9 && steps < 1000; ++steps) {
      const auto [low, high] = domain.Cell(i, at);
      EXPECT_LE(low, at) << domain.ParameterOf(i).Name();
      ASSERT_GT(high, at) << domain.ParameterOf(i).Name() << " at " << at;
      EXPECT_EQ(domain.Cell(i, domain.Snap(i, at)), domain.Cell(i, at));
      at = high + 1e-9;
    }
    EXPECT_GT(steps, 2) << domain.ParameterOf(i).Name();
  }
}

TEST(Domain, ClampsWhatLiesOutside) {
  const Domain domain(SpaceOf("\n  n: {min: 1, max: 4}\n  x: {min: 0.0, max: 2.0}\n"));
  EXPECT_EQ(domain.Decode({-0.5, 7}), (Json{{"n", 1}, {"x", 2.0}}));
  EXPECT_EQ(domain.Decode({1, -1}), (Json{{"n", 4}, {"x", 0.0}}));
}

TEST(Domain, LeavesOutWhatAConfigurationDoesNotHave) {
  const Domain domain(SpaceOf("\n  n: {min: 1, max: 4}\n  x: {min: 0.0, max: 2.0}\n"));
  const Point point = domain.Encode({{"x", 1.0}, {"other", 3}});
  EXPECT_TRUE(std::isnan(point[0]));
  EXPECT_EQ(point[1], 0.5);
}

Parameter List(const char* name, std::vector<Json> values) {
  return {.path = {name}, .distribution = Distribution::kCategorical, .values = std::move(values)};
}

Space Conditional() {
  Space space{List("kind", {"adam", "sgd"}),
              List("momentum", {0.0, 0.5, 0.9}),
              List("size", {1, 1, 2}),
              List("batch", {"a", "b", "c"}),
              {.path = {"rate"}, .values = {nullptr}, .expr = "0.1 * size"}};
  space[1].when = {"kind == 'sgd'"};
  space[3].zipped_to = 2;
  return space;
}

TEST(Domain, GivesCompleteConfigurationsAndTakesThem) {
  const Domain domain(Conditional());
  ASSERT_EQ(domain.Dimensions().size(), 3U) << "zipped lists are one, what is derived is none";
  EXPECT_EQ(domain.Decode({0, 0.5, 1}),
            (Json{{"kind", "adam"}, {"size", 1}, {"batch", "b"}, {"rate", 0.1}}));
  EXPECT_EQ(domain.Decode({1, 0.9, 2}),
            (Json{{"kind", "sgd"}, {"momentum", 0.9}, {"size", 2}, {"batch", "c"}, {"rate", 0.2}}));
  const Point point = domain.Encode(domain.Decode({0, 0.5, 1}));
  EXPECT_EQ(point[0], 0);
  EXPECT_TRUE(std::isnan(point[1]));
  EXPECT_EQ(domain.Decode(point), domain.Decode({0, 0.5, 1})) << "NaN is fine for what is inactive";
}

TEST(Domain, KnowsThePlaceOfZippedListsByAllOfThem) {
  const Domain domain(Conditional());
  for (const double place : {0, 1, 2}) {
    const Configuration configuration = domain.Decode({0, 0, place});
    EXPECT_EQ(domain.Decode(domain.Encode(configuration)), configuration);
  }
  EXPECT_TRUE(std::isnan(domain.Encode({{"size", 2}, {"batch", "a"}})[2])) << "of two places";
}

TEST(Domain, OrdersListsAsTheSpecSays) {
  Space space{List("low_to_high", {"low", "mid", "high"}), List("codes", {1, 2, 3})};
  space[0].ordinal = true;
  space[1].ordinal = false;
  const Domain domain(space);
  EXPECT_FALSE(domain.Dimensions()[0].is_categorical);
  EXPECT_TRUE(domain.Dimensions()[0].is_stepped);
  EXPECT_TRUE(domain.Dimensions()[1].is_categorical);
  EXPECT_EQ(domain.Decode({0.5, 2}), (Json{{"low_to_high", "mid"}, {"codes", 3}}));
}

}  // namespace domain_test
}  // namespace ddl
