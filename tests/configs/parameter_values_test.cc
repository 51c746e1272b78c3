// SPDX-License-Identifier: Apache-2.0
#include "configs/parameter_values.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "configs/distributions.h"
#include "configs/json.h"
#include "configs/sampling.h"

namespace ddl {
namespace parameter_values_test {

Parameter Of(Distribution distribution, double min, double max, double q = 1) {
  return {.path = {"p"}, .distribution = distribution, .min = min, .max = max, .q = q};
}

std::string Taken(const Parameter& parameter, const Json& value) {
  const std::optional<Json> taken = AsValueOf(parameter, value);
  return taken ? DumpJson(*taken) : "none";
}

TEST(ParameterValues, OfAListAreThose) {
  const Parameter list{.path = {"p"},
                       .distribution = Distribution::kCategorical,
                       .values = {1, "1", 0.5, true, {1, 2}}};
  EXPECT_EQ(Taken(list, 1.0), "1");
  EXPECT_EQ(Taken(list, "1"), "\"1\"");
  EXPECT_EQ(Taken(list, Json({1, 2})), "[1,2]");
  EXPECT_EQ(Taken(list, false), "none");
  EXPECT_EQ(ShownValues(list), R"([1, "1", 0.5, true, [1,2]])");
}

TEST(ParameterValues, OfRangesLieWithinThem) {
  const Parameter whole = Of(Distribution::kIntUniform, 1, 4);
  EXPECT_EQ(Taken(whole, 4.0), "4");
  EXPECT_EQ(Taken(whole, 2.5), "none");
  EXPECT_EQ(Taken(whole, 5), "none");
  EXPECT_EQ(Taken(whole, "4"), "none");
  EXPECT_EQ(ShownValues(whole), "a whole number from 1 to 4");
  EXPECT_EQ(Taken(Of(Distribution::kUniform, 0, 1), 1), "1.0");
  EXPECT_EQ(Taken(Of(Distribution::kUniform, 0, 1), std::nan("")), "none");
  EXPECT_EQ(Taken(Of(Distribution::kLogUniform, -2, 2), std::exp(2.0)), DumpJson(std::exp(2.0)));
  EXPECT_EQ(Taken(Of(Distribution::kLogUniform, -2, 2), 7.5), "none");
  EXPECT_EQ(Taken(Of(Distribution::kInvLogUniform, 0, 2), 0.5), "0.5");
  EXPECT_EQ(Taken(Of(Distribution::kInvLogUniform, 0, 2), 2), "none");
  EXPECT_EQ(Taken(Of(Distribution::kLogNormal, 0, 1), -1), "none");
  EXPECT_EQ(ShownValues(Of(Distribution::kLogNormal, 0, 1)), "a number above 0");
  EXPECT_EQ(Taken(Of(Distribution::kNormal, 0, 1), -1e9), "-1000000000.0");
}

TEST(ParameterValues, OfStepsAreMultiples) {
  const Parameter steps = Of(Distribution::kQUniform, 0.1, 0.95, 0.1);
  EXPECT_EQ(Taken(steps, 0.3), DumpJson(3 * 0.1)) << "as the grid has it";
  EXPECT_EQ(Taken(steps, 0.35), "none");
  EXPECT_EQ(Taken(steps, 0.0), "none");
  EXPECT_EQ(Taken(Of(Distribution::kQUniform, 0, 10, 2), 4.0), "4");
  EXPECT_EQ(ShownValues(Of(Distribution::kQUniform, 0, 10, 2)), "a multiple of 2 from 0 to 10");
}

TEST(ParameterValues, AreAllThatIsDrawn) {
  for (const DistributionEntry& entry : AllDistributions()) {
    Parameter parameter = Of(entry.distribution, 0.5, 3, 0.25);
    if (entry.distribution == Distribution::kIntUniform) parameter.min = 0;
    parameter.values = {1, 2};
    for (int i = 0; i < 200; ++i) {
      const Json drawn = SamplePoint({parameter}, 7, i).at("p");
      const std::optional<Json> taken = AsValueOf(parameter, drawn);
      if (entry.shape == DistributionShape::kValue) continue;
      ASSERT_TRUE(taken) << entry.name << " " << drawn;
      EXPECT_EQ(*taken, drawn) << entry.name;
    }
  }
}

}  // namespace parameter_values_test
}  // namespace ddl
