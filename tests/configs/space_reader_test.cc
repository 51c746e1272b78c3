// SPDX-License-Identifier: Apache-2.0
#include "configs/space_reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/conditions.h"
#include "configs/grid.h"
#include "configs/initial_points.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "configs/spec_sections.h"

namespace ddl {
namespace space_reader_test {

using testing::ElementsAre;

SpecReading Read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return ReadSpec("command: [a]\n" + text, {"spec.yaml", DDL_SOURCE_DIR, overrides});
}

constexpr const char* kRich = R"(
method: grid
metrics: [{name: loss, goal: minimize, target: 0.5}, {name: speed, goal: maximize}]
parameters:
  optimizer:
    parameters:
      type: {values: [adam, sgd]}
      momentum: {values: [0, 0.9], when: optimizer.type == 'sgd'}
  decay: {when: optimizer.type == 'adam', parameters: {rate: {values: [0.01, 0.1]}, late: {value: true, when: decay.rate > 0.05}}}
  width: {values: [64, 128, 64, 256]}
  depth: {values: [4, 3, 4, 2], ordinal: true}
  hidden: {expr: "[width] * depth"}
zip: [[depth, width]]
constraints: [decay.rate < 0.1 or width < 256]
initial_points: [{width: 256, optimizer: {type: sgd}}, {decay.rate: 0.1}]
)";

TEST(SpaceReader, ReadsTheWholeLanguage) {
  const SpecReading reading = Read(kRich);
  const SweepSpec& spec = reading.spec;
  EXPECT_EQ(spec.metric->name, "loss");
  ASSERT_EQ(spec.objectives.size(), 2U);
  EXPECT_EQ(spec.objectives[1].goal, Goal::kMaximize);
  EXPECT_THAT(spec.space[1].when, ElementsAre("optimizer.type == 'sgd'"));
  EXPECT_THAT(spec.space[3].when, ElementsAre("optimizer.type == 'adam'", "decay.rate > 0.05"))
      << "a group's condition is that of all in it";
  EXPECT_EQ(spec.space[5].zipped_to, 4U) << "to the first in the order of the space";
  EXPECT_EQ(spec.space[5].ordinal, true);
  EXPECT_EQ(spec.space[6].expr, "[width] * depth");
  EXPECT_THAT(spec.constraints, ElementsAre("decay.rate < 0.1 or width < 256"));
  ASSERT_EQ(spec.initial_points.size(), 2U);
  EXPECT_EQ(spec.initial_points[0], Json({{"width", 256}, {"optimizer.type", "sgd"}}));
  EXPECT_THAT(reading.notes,
              ElementsAre("width: 1 of its 4 values stand there before, and count once"));
  // adam: (rate 0.01) 3 widths, (rate 0.1) 2; sgd: 2 momenta and 3 widths.
  const Grid grid(spec.space, spec.constraints);
  EXPECT_EQ(grid.Size(), 3 + 2 + 6);
  EXPECT_EQ(grid.Point(0), Json({{"optimizer.type", "adam"},
                                 {"decay.rate", 0.01},
                                 {"width", 64},
                                 {"depth", 4},
                                 {"hidden", {64, 64, 64, 64}}}));
  EXPECT_EQ(InitialPoints(spec).at(0).at("hidden"), Json({256, 256}));
}

TEST(SpaceReader, KeepsAllOfItInTheStore) {
  const SweepSpec spec = Read(kRich).spec;
  const std::string text = DumpJson(ResolvedSpec(spec));
  EXPECT_EQ(DumpJson(ResolvedSpec(SpecFromJson(ParseJson(text, "test")))), text);
}

TEST(SpaceReader, LeavesSpecsThatUseNoneOfItAsTheyWere) {
  const SweepSpec spec =
      Read("method: grid\nparameters: {a: {values: [1, 2]}, b: {value: 3}}").spec;
  EXPECT_EQ(DumpJson(ResolvedSpec(spec).at("parameters")),
            R"([{"distribution":"categorical","path":["a"],"values":[1,2]},)"
            R"({"distribution":"constant","path":["b"],"values":[3]}])");
  for (const char* key : {"metrics", "constraints", "initial_points", "warm_start"})
    EXPECT_FALSE(ResolvedSpec(spec).contains(key)) << key;
}

TEST(SpaceReader, TakesExpressionsThatYamlTakesForSomethingElse) {
  const SweepSpec spec = Read(
                             "method: grid\nparameters:\n  on_off: {values: [true, false]}\n"
                             "  a: {value: 1, when: on_off}\n  b: {expr: 5}\n"
                             "  c: {expr: 1.5, when: true}\n  learning-rate: {value: 2}\n"
                             "  d: {expr: '`learning-rate` * 2'}\n")
                             .spec;
  const Grid grid(spec.space);
  EXPECT_EQ(grid.Size(), 2);
  EXPECT_EQ(
      grid.Point(0),
      Json({{"on_off", true}, {"a", 1}, {"b", 5}, {"c", 1.5}, {"learning-rate", 2}, {"d", 4}}));
  EXPECT_FALSE(grid.Point(1).contains("a"));
}

TEST(SpaceReader, TakesRarePointsOfCountableSpaces) {
  EXPECT_NO_THROW(
      (void)Read("method: random\nrun_cap: 1\n"
                 "parameters: {a: {min: 1, max: 400}, b: {min: 1, max: 400}}\n"
                 "constraints: [a == 17 and b == 18]\n"))
      << "10,000 draws hardly find it, going through all does";
}

TEST(SpaceReader, KeepsEveryValueWhereDrawsWeighThem) {
  const SpecReading reading =
      Read("method: random\nrun_cap: 1\nparameters: {a: {values: [1, 1, 2]}}");
  EXPECT_EQ(reading.spec.space[0].values.size(), 3U);
  EXPECT_TRUE(reading.notes.empty());
}

TEST(SpaceReader, ReadsWhereToBeginWarm) {
  const auto read = [](const std::string& text) {
    SpecErrors errors("spec.yaml", text);
    const WarmStart warm = ReadWarmStart(ParseSpecText(text), DDL_SOURCE_DIR, errors);
    EXPECT_TRUE(errors.IsEmpty()) << text;
    return warm;
  };
  EXPECT_EQ(read("{file: CMakeLists.txt, limit: 7}").file,
            std::string(DDL_SOURCE_DIR) + "/CMakeLists.txt");
  EXPECT_EQ(read("{file: CMakeLists.txt, limit: 7}").limit, 7);
  EXPECT_EQ(read("{sweep: before}").sweep, "before");
}

TEST(SpaceOverrides, KeepTheConditionOfAParameter) {
  const SweepSpec spec = Read(kRich, {"optimizer.momentum=0.5", "constraints=[width > 64]"}).spec;
  EXPECT_THAT(spec.space[1].values, ElementsAre(0.5));
  EXPECT_THAT(spec.space[1].when, ElementsAre("optimizer.type == 'sgd'"));
  EXPECT_THAT(spec.constraints, ElementsAre("width > 64"));
}

}  // namespace space_reader_test
}  // namespace ddl
