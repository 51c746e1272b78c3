// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/hostile.h"

#include <cmath>

namespace ddl {
namespace hostile_test {

using testing::HasSubstr;

TEST_F(Hostile, TreesAreGoneAfterAStop) {
  for (const char* kind : kKinds)
    StopOne(kind, 100ms);
}

TEST_F(Hostile, AChainOfForksEndsWithItsCgroup) {
  if (CgroupAbove().empty()) GTEST_SKIP() << "no cgroup can be made here";
  for (int round = 0; round < 3; ++round)
    StopOne("chain", 300ms);
}

TEST_F(HostileWithoutCgroup, TreesAreGoneAfterAStop) {
  for (const char* kind : kKinds)
    StopOne(kind, 100ms);
}

TEST_F(Hostile, NamesBeyondAThousandAreCountedNotKept) {
  const ExitRecord exit = RunToEnd(
      Shell(1, "i=0; while [ $i -lt 10000 ]; do echo \"{\\\"name$i\\\": $i}\"; i=$((i+1)); done"));
  EXPECT_EQ(exit.metric_names.size(), 1000U);
  EXPECT_EQ(exit.metric_names_refused, 9000);
}

// All of them in an exit record would make one that nobody reads.
TEST_F(Hostile, NamesBeyondAKibibyteAreLog) {
  const ExitRecord exit = RunToEnd(
      Shell(1, R"(awk 'BEGIN { s = "n"; while (length(s) < 32768) s = s s; print "{\"loss\": 1}"; )"
               R"(for (i = 0; i < 600; ++i) print "{\"" i s "\": 1}" }')"));
  EXPECT_EQ(exit.cause, EndCause::kExited) << exit.detail;
  EXPECT_THAT(exit.metric_names, testing::ElementsAre("loss"));
  EXPECT_EQ(exit.metric_names_refused, 600);
  EXPECT_GT(exit.log_bytes, 600 * 32768);
}

TEST_F(Hostile, ValuesThatAreNoNumbersAndStepsThatGoBackAreKeptAsTheyAre) {
  const ExitRecord exit = RunToEnd(Shell(1, R"(
echo '{"step": 5, "loss": NaN}'
echo '{"step": 3, "loss": Infinity}'
echo '{"step": -7, "loss": -Infinity}'
printf '{"step": 1, "loss": 1e400}\n'
printf '\0\033[31m{"loss": 1}\n'
printf '\377\376 no text\n')"));
  EXPECT_EQ(exit.exit_code, 0);
  std::vector<MetricReport> reports;
  while (static_cast<std::int64_t>(reports.size()) < exit.last_seq) {
    for (const MetricReport& report : connection_->Await<Metrics>().reports)
      reports.push_back(report);
  }
  ASSERT_GE(reports.size(), 3U);
  EXPECT_EQ(reports[0].step, 5);
  EXPECT_EQ(reports[1].step, 3);
  EXPECT_TRUE(std::isnan(reports[0].values.at(0).second));
  EXPECT_TRUE(std::isinf(reports[2].values.at(0).second));
  const std::string log = FileOf(1, "log");
  EXPECT_THAT(log, HasSubstr(std::string("\0\033[31m{\"loss\": 1}\n", 18)));
  EXPECT_THAT(log, HasSubstr("\377\376 no text\n"));
}

}  // namespace hostile_test
}  // namespace ddl
