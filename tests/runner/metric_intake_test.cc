// SPDX-License-Identifier: Apache-2.0
#include "runner/metric_intake.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace metric_intake_test {

using testing::ElementsAre;

constexpr std::int64_t kEnough = std::int64_t{1} << 20;

class Intake : public testing::Test {
 protected:
  std::string Log() const { return ReadFile(folder_ / "log").value_or("(none)"); }

  TemporaryFolder folder_;
  SpoolWriter spool_{folder_.Path(), {{1}, 0}, kEnough};
  TrialLog log_{folder_.Path(), kEnough, kEnough};
};

TEST_F(Intake, ALineWithTooLongANameIsLogAndCounted) {
  MetricIntake intake({}, spool_, log_);
  const std::string longest(kMaxMetricName, 'n');
  const std::string line = "{\"loss\": 1, \"" + longest + "n\": 2}\n";
  intake.TakeOutput("{\"" + longest + "\": 1}\n" + line);
  intake.TakeMetrics(line);
  intake.Finish();
  EXPECT_THAT(intake.Names(), ElementsAre(longest));
  EXPECT_EQ(intake.NamesRefused(), 2);
  EXPECT_EQ(spool_.LastSeq(), 1);
  EXPECT_EQ(Log(), line + line);
}

TEST_F(Intake, WhatAPatternReadsIsLogTooWithoutAnEndOfTheLine) {
  MetricIntake intake({.captures = {{"acc", "acc=([0-9.]+)"}}}, spool_, log_);
  intake.TakeOutput("acc=0.5\nacc=0.75");
  intake.Finish();
  EXPECT_EQ(spool_.LastSeq(), 2);
  EXPECT_EQ(Log(), "acc=0.5\nacc=0.75");
}

TEST_F(Intake, MakesNoLogWhereNothingIsLog) {
  MetricIntake intake({}, spool_, log_);
  intake.TakeOutput("{\"loss\": 1}\n");
  intake.Finish();
  EXPECT_EQ(Log(), "(none)");
}

}  // namespace metric_intake_test
}  // namespace ddl
