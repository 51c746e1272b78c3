// SPDX-License-Identifier: Apache-2.0
#include "runner/metric_line.h"

#include <string>

#include <gtest/gtest.h>

namespace ddl {
namespace metric_line_test {

// What the pattern finds in the line.
std::optional<double> Captured(const std::string& pattern, const std::string& line) {
  const auto found = MetricParser({{"loss", pattern}}).Parse(line);
  return found ? std::optional(found->values.at(0).second) : std::nullopt;
}

std::string Repeated(const std::string& text, std::size_t size) {
  std::string all;
  while (all.size() + text.size() <= size)
    all += text;
  return all;
}

// As long as lines may be: searching all of it would take minutes, and more stack than there is.
TEST(MetricLine, OfALongLineTheBeginningIsSearched) {
  const std::string pattern = "step.*loss=([0-9.]+)";
  EXPECT_EQ(Captured(pattern, Repeated("step 1 ", kMaxMetricLine)), std::nullopt);
  EXPECT_EQ(Captured(pattern, "step 1 loss=0.5 " + Repeated("step 1 ", kMaxMetricLine - 16)), 0.5);
  EXPECT_EQ(Captured(pattern, Repeated("step 1 ", kMaxMetricLine - 8) + "loss=0.5"), std::nullopt);
}

TEST(MetricLine, NoNumberIsCutWhereTheSearchEnds) {
  const std::string before(kMaxCaptureLine - 7, '-');
  EXPECT_EQ(Captured("loss=([0-9.]+)", before + "loss=0.25"), std::nullopt);
  EXPECT_EQ(Captured("loss=([0-9.]+)", before.substr(2) + "loss=0.25 -"), std::nullopt);
  EXPECT_EQ(Captured("loss=([0-9.]+)", before.substr(3) + "loss=0.25 -"), 0.25);
  EXPECT_EQ(Captured("loss=([0-9.]+)", before.substr(2) + "loss=0.25"), 0.25) << "all is searched";
}

TEST(MetricLine, TheEndOfTheSearchIsNoEndOfTheLine) {
  const std::string before(kMaxCaptureLine - 5, '-');
  EXPECT_EQ(Captured("a=([0-9]) end$", "a=1 end"), 1);
  EXPECT_EQ(Captured("=([0-9])./s$", before + "=1m/s"), 1);
  EXPECT_EQ(Captured("=([0-9])./s$", before + "=1m/s and more"), std::nullopt);
}

}  // namespace metric_line_test
}  // namespace ddl
