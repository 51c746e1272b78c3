// SPDX-License-Identifier: Apache-2.0
#include "cli/format.h"

#include <cmath>
#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace ddl {
namespace format_test {

std::string Of(std::int64_t ms) {
  return FormatDuration(std::chrono::milliseconds(ms));
}

TEST(FormatDuration, ShowsTwoUnitsAtMost) {
  EXPECT_EQ(Of(0), "0ms");
  EXPECT_EQ(Of(350), "350ms");
  EXPECT_EQ(Of(4'250), "4.2s");
  EXPECT_EQ(Of(9'999), "9.9s");
  EXPECT_EQ(Of(12'999), "12s");
  EXPECT_EQ(Of(192'000), "3m 12s");
  EXPECT_EQ(Of(7'500'000), "2h 05m");
  EXPECT_EQ(Of(356'400'000), "4d 03h");
  EXPECT_EQ(Of(-5), "0ms");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1'000), "1,000");
  EXPECT_EQ(FormatCount(-1'234'567), "-1,234,567");
}

TEST(FormatBytes, TakesTheLargestUnit) {
  EXPECT_EQ(FormatBytes(812), "812 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(std::int64_t{4} << 30), "4.0 GiB");
  EXPECT_EQ(FormatBytes(200 * 1024), "200 KiB");
}

TEST(FormatRate, TakesTheUnitThatGivesAWholeNumber) {
  EXPECT_EQ(FormatRate(3.24), "3.2/s");
  EXPECT_EQ(FormatRate(250), "250/s");
  EXPECT_EQ(FormatRate(0.3), "18/min");
  EXPECT_EQ(FormatRate(0.005), "18/h");
  EXPECT_EQ(FormatRate(0), "0/s");
  EXPECT_EQ(FormatRate(NAN), "0/s");
}

TEST(FormatValue, KeepsFourDigits) {
  EXPECT_EQ(FormatValue(0.893412), "0.8934");
  EXPECT_EQ(FormatValue(12.0), "12");
  EXPECT_EQ(FormatValue(123456.7), "123457");
  EXPECT_EQ(FormatValue(0.0000123456), "1.235e-05");
  EXPECT_EQ(FormatValue(123456789.0), "1.235e+08");
  EXPECT_EQ(FormatValue(-0.25), "-0.25");
  EXPECT_EQ(FormatValue(NAN), "NaN");
  EXPECT_EQ(FormatValue(-INFINITY), "-Infinity");
  EXPECT_EQ(FormatValue(std::optional<double>()), "-");
}

TEST(FormatWhen, IsLocalTime) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(FormatWhen(1'795'421'640'000), "2026-11-23 08:14");
  EXPECT_EQ(FormatWhen(0), "-");
}

TEST(FormatParameter, ShowsValuesAsTyped) {
  EXPECT_EQ(FormatParameter(Json(0.0123456)), "0.01235");
  EXPECT_EQ(FormatParameter(Json("adam")), "adam");
  EXPECT_EQ(FormatParameter(Json::array({256, 128})), "[256,128]");
  EXPECT_EQ(FormatParameter(Json(true)), "true");
  EXPECT_EQ(FormatParameter(Json(nullptr)), "null");
  EXPECT_EQ(FormatParameter(Json("two\nlines\x1b")), "two lines^[");
}

TEST(FormatConfiguration, ListsNamesAndValues) {
  EXPECT_EQ(FormatConfiguration(Json{{"lr", 0.1}, {"depth", 3}}), "depth=3 lr=0.1");
  EXPECT_EQ(FormatConfiguration(Json::object()), "");
}

TEST(Outcomes, HaveANameAndAText) {
  EXPECT_EQ(ToString(SweepOutcome::kSomeFailed), "some_failed");
  EXPECT_EQ(OutcomeText(SweepOutcome::kSomeFailed), "some trials failed");
  EXPECT_EQ(ToString(SweepOutcome::kNone), "");
  EXPECT_EQ(ToString(SweepState::kStopped), "stopped");
}

}  // namespace format_test
}  // namespace ddl
