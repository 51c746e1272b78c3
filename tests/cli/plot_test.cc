// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/cli/screen.h"

namespace ddl {
namespace plot_test {

Series Rising(const std::string& label, double speed) {
  Series series{label, {}};
  for (int i = 1; i <= 20; ++i)
    series.points.push_back({static_cast<double>(i), 1 - std::exp(-i / speed)});
  return series;
}

const PlotOptions kOptions{.rows = 6, .x_label = "epoch", .y_label = "val_accuracy"};

TEST(Plot, DrawsOneCurveInBraille) {
  const std::vector<Series> one{Rising("17", 3)};
  EXPECT_EQ(test::Joined(PlotLines(one, kOptions, test::Plain(40))), R"(
val_accuracy
0.9987 ┤         ⣀⡠⠤⠤⠤⠒⠒⠒⠒⠊⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
       │     ⢀⡠⠒⠉
       │   ⢀⠔⠁
0.5696 ┤  ⡰⠁
       │ ⡜
0.2835 ┤⡜
       └───────────────────────────────
        1           epoch            20
)");
}

TEST(Plot, TellsSeveralCurvesApartWithoutColor) {
  const std::vector<Series> two{Rising("trial 17", 3), Rising("trial 4", 9)};
  EXPECT_EQ(test::Joined(PlotLines(two, kOptions, test::Plain(40))), R"(
val_accuracy
0.9987 ┤          *********************
       │    ******       ++++++++++++++
       │   *      +++++++
0.4626 ┤ **   ++++
       │*+++++
0.1052 ┤+
       └───────────────────────────────
        1           epoch            20
        * trial 17
        + trial 4
)");
}

TEST(Plot, ColorsTheCurvesWhereItCan) {
  const std::vector<Series> two{Rising("trial 17", 3), Rising("trial 4", 9)};
  const auto lines = PlotLines(two, kOptions, test::Colored(80));
  EXPECT_NE(lines[1].find("\x1b[36m"), std::string::npos);
  EXPECT_EQ(lines.back(), "        \x1b[33m⠶\x1b[0m trial 4");
}

TEST(Plot, UsesNothingButAsciiWhereItMust) {
  const std::vector<Series> one{Rising("17", 3)};
  for (const std::string& line : PlotLines(one, kOptions, test::Ascii(80))) {
    for (const char c : line)
      EXPECT_GT(c, 0) << line;
  }
}

TEST(Plot, NeverLeavesTheScreen) {
  const std::vector<Series> two{Rising("a label that is longer than the screen is wide", 3),
                                Rising("b", 9)};
  for (int width = 8; width < 130; ++width)
    EXPECT_LE(test::Widest(PlotLines(two, kOptions, test::Plain(width))), width) << width;
}

TEST(Plot, BecomesASparklineOnATinyScreen) {
  const std::vector<Series> one{Rising("17", 3)};
  EXPECT_EQ(test::Joined(PlotLines(one, kOptions, test::Plain(20))), "\n17 ▁▃▄▅▆▇▇██████████\n");
}

TEST(Plot, LeavesAGapWhereAValueIsNotFinite) {
  Series series{"17", {{1, 1}, {2, NAN}, {3, 1}}};
  const auto lines = PlotLines(std::vector{series}, kOptions, test::Plain(40));
  EXPECT_EQ(lines[3], "  │⡀                                  ⢀");
}

TEST(Plot, DrawsASinglePointAndAFlatLine) {
  EXPECT_EQ(PlotLines(std::vector<Series>{{"17", {{5, 2}}}}, kOptions, test::Plain(40)).size(), 9U);
  EXPECT_EQ(
      PlotLines(std::vector<Series>{{"17", {{1, 2}, {9, 2}}}}, kOptions, test::Plain(40)).size(),
      9U);
}

TEST(Plot, SurvivesTheLargestNumbers) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const std::vector<Series> one{{"17", {{1, -kMost}, {2, kMost}}}};
  EXPECT_EQ(PlotLines(one, kOptions, test::Plain(80)).size(), 9U);
}

TEST(Plot, SaysNothingAboutNothing) {
  EXPECT_TRUE(PlotLines({}, kOptions, test::Plain(80)).empty());
  EXPECT_TRUE(
      PlotLines(std::vector<Series>{{"17", {{1, NAN}}}}, kOptions, test::Plain(80)).empty());
}

TEST(Sparkline, SpansTheRangeOfItsValues) {
  const std::vector<double> values{0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(Sparkline(values, 20, true), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline(values, 20, false), "_.,-=+*#");
}

TEST(Sparkline, AveragesWhatDoesNotFit) {
  const std::vector<double> values{0, 0, 4, 4, 7, 7};
  EXPECT_EQ(Sparkline(values, 3, true), "▁▅█");
}

TEST(Sparkline, PassesOverValuesThatAreNotFinite) {
  const std::vector<double> values{0, NAN, 7, INFINITY};
  EXPECT_EQ(Sparkline(values, 8, true), "▁█");
  EXPECT_EQ(Sparkline(std::vector<double>{NAN}, 8, true), "");
}

}  // namespace plot_test
}  // namespace ddl
