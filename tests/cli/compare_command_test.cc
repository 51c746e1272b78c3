// SPDX-License-Identifier: Apache-2.0
// Real sweeps of a shell script, compared by the real binary; and what is said of made-up sides.
#include <gmock/gmock.h>

#include "cli/comparison.h"
#include "tests/cli/real_ddl.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace compare_command_test {

using ::testing::HasSubstr;
using ::testing::Not;

// loss = x + 3 · ((seed · 3) mod 4) + 0.01 · seed · x: what the seed does is far more than what x
// does, and alike for all. 2 and "2b" are the same for each seed.
constexpr const char* kTrial =
    "command: [awk, 'BEGIN { x = ARGV[1]; sub(/.*=/, \"\", x); s = ENVIRON[\"DDL_SEED\"]; "
    "printf \"{\\\"step\\\": 4, \\\"loss\\\": %.6f, \\\"seed\\\": %d}\\n\", x + 3 * ((s * 3) % 4) "
    "+ "
    "0.01 * s * x, s }', '${args}']\nresources: {cpus: 0.1}\n"
    "metric: {name: loss, goal: minimize}\nmethod: grid\n";

class CompareCommand : public RealDdl {
 protected:
  void Sweep(const std::string& name, const std::string& rest) {
    const Finished done =
        Ddl({"sweep", "--quiet", Write(name + ".yaml", "name: " + name + "\n" + kTrial + rest)});
    ASSERT_EQ(done.code, 0) << done.error;
  }
};

TEST_F(CompareCommand, ShowsADifferenceThatEverySeedHas) {
  Sweep("many", "seeds: 7\nparameters: {x: {values: [1.0, 1.1, \"1.1\"]}}\n");
  const Finished done = Ddl({"compare", "many/1", "many/9", "15"});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_THAT(done.out, HasSubstr("trials 1 to 7, 7 of 7 seeds"));
  EXPECT_THAT(done.out, HasSubstr("trials 8 to 14, 7 of 7 seeds"));
  EXPECT_THAT(done.out, HasSubstr("A is better"));
  EXPECT_THAT(done.out, HasSubstr("the same values"));
  EXPECT_THAT(done.out, HasSubstr("p is corrected for all 3 pairs"));
  EXPECT_THAT(done.out, HasSubstr("\nseed"));  // the other metric's last value

  const Json json = DdlJson({"compare", "many/1", "many/9"});
  EXPECT_EQ(json.at("goal"), "minimize");
  const Json& pair = json.at("differences").at(0);
  EXPECT_EQ(pair.at("seeds"), 7);
  EXPECT_NEAR(pair.at("difference").get<double>(), 0.1 + 0.01 * 3 * 0.1, 1e-9);
  EXPECT_NEAR(pair.at("p").get<double>(), 2.0 / 128, 1e-9);
  EXPECT_TRUE(pair.at("shown").get<bool>());
  EXPECT_EQ(json.at("differing_parameters"), Json::array({"x"}));
  EXPECT_EQ(json.at("sides").at(1).at("values").at(2).at("seed_index"), 2);

  const Json report = DdlJson({"report", "many"});
  ASSERT_EQ(report.at("over_seeds").size(), 3U);
  EXPECT_TRUE(report.at("over_seeds").at(0).at("against_best").is_null());
  EXPECT_TRUE(report.at("over_seeds").at(1).at("against_best").at("shown").get<bool>());
  EXPECT_THAT(Ddl({"report", "many"}).out, HasSubstr("\nover seeds\nTRIALS FROM"));
}

TEST_F(CompareCommand, OfFewSeedsClaimsNothing) {
  Sweep("few", "seeds: 3\nparameters: {x: {values: [1.0, 100.0]}}\n");
  const std::string text = Ddl({"compare", "few/1", "few/4"}).out;
  EXPECT_THAT(text, HasSubstr("no difference shown"));
  EXPECT_THAT(text, HasSubstr("3 seeds that both have can show no difference at 5 %: it takes 6"));
  EXPECT_THAT(text, Not(HasSubstr("better")));
  EXPECT_THAT(Ddl({"report"}).out, HasSubstr("no difference shown"));
  const Json single = DdlJson({"compare", "--single", "few/2", "few/6"});
  EXPECT_EQ(single.at("sides").at(0).at("trials"), Json::array({2}));
  EXPECT_EQ(single.at("differences").at(0).at("seeds"), 1);
}

TEST_F(CompareCommand, TakesTheBestOfASweep) {
  Sweep("left", "parameters: {x: {values: [3.0, 2.0, 5.0]}, y: {value: 1}}\n");
  Sweep("right", "parameters: {x: {values: [4.0, 6.0]}}\n");
  const Json json = DdlJson({"compare", "left", "right"});
  EXPECT_EQ(json.at("sides").at(0).at("trials"), Json::array({2}));
  EXPECT_EQ(json.at("sides").at(1).at("trials"), Json::array({1}));
  EXPECT_EQ(json.at("sides").at(0).at("mean"), 2.0);
  EXPECT_EQ(json.at("differing_parameters"), Json::array({"x", "y"}));
  EXPECT_THAT(Ddl({"compare", "left", "right/2"}).out,
              HasSubstr("best of 3 ended trials: trial 2"));
  EXPECT_EQ(DdlJson({"compare", "left", "right", "--metric", "seed"}).at("goal"), Json(nullptr));
}

TEST_F(CompareCommand, RefusesWhatCannotBeCompared) {
  Sweep("one", "parameters: {x: {values: [3.0, 2.0]}}\n");
  const auto error = [this](const std::vector<std::string>& words) {
    const Finished done = Ddl(words);
    EXPECT_EQ(done.code, 2);
    return done.error;
  };
  EXPECT_THAT(error({"compare", "one"}), HasSubstr("two to 10 can be compared"));
  EXPECT_THAT(error({"compare", "one/1", "none/2"}), HasSubstr("there is no sweep \"none\""));
  EXPECT_THAT(error({"compare", "one/1", "one/3"}), HasSubstr("has no trial 3"));
  EXPECT_THAT(error({"compare", "1", "2", "--metric", "los"}),
              HasSubstr("did you mean --metric loss?"));
}

ComparedSide Side(const std::string& name, const std::vector<double>& values) {
  return {.name = name,
          .what = "trials of " + name,
          .sweep = "sweep",
          .trials = {1},
          .parameters = {{"optimizer.lr", 0.01 * static_cast<double>(name.size())}},
          .values = SeedValues(values.begin(), values.end()),
          .last = {{"loss", MeanOf(values)}, {"accuracy", 0.5}}};
}

TEST(SeedComparison, SaysWhichIsBetterOnlyWhereItKnowsTheDirection) {
  const std::vector<ComparedSide> sides{Side("a", {1, 2, 3, 4, 5, 6}),
                                        Side("bb", {2, 3.1, 4.2, 5, 6.1, 7})};
  const std::vector<std::string> letters{"A", "B"};
  const auto verdict = [&](std::optional<bool> maximize) {
    const SeedComparison comparison = Compare("loss", maximize, sides);
    return VerdictText(comparison, comparison.pairs.front(), letters);
  };
  EXPECT_EQ(verdict(true), "B is better");
  EXPECT_EQ(verdict(false), "A is better");
  EXPECT_EQ(verdict(std::nullopt), "B is higher");
}

TEST(SeedComparison, FitsEveryWidth) {
  const SeedComparison comparison =
      Compare("loss", false,
              {Side("a-sweep-with-a-name/17", {1, 2, 3, 4, 5, 6}), Side("b", {1, 2, 4, 3, 6, 5}),
               Side("third", {7, 8, 9})});
  for (int width = 30; width < 130; ++width) {
    EXPECT_LE(test::Widest(CompareLines(comparison, test::Plain(width))), width);
    EXPECT_LE(test::Widest(AgainstBestLines(comparison, test::Plain(width))), width);
  }
}

TEST(SeedComparison, WritesIntervalsToTheirOwnPrecision) {
  EXPECT_EQ(IntervalText(Interval{0.89134, 0.89561}), "0.8913 to 0.8956");
  EXPECT_EQ(IntervalText(Interval{-12.34, 45.6}), "-12 to 46");
  EXPECT_EQ(IntervalText(Interval{2, 2}), "2 to 2");
  EXPECT_EQ(IntervalText(std::nullopt), "-");
  EXPECT_EQ(ProbabilityText(0.00003), "<0.001");
  EXPECT_EQ(ProbabilityText(0.0312), "0.031");
}

}  // namespace compare_command_test
}  // namespace ddl
