// SPDX-License-Identifier: Apache-2.0
#include "scheduler/host_health.h"

#include <gtest/gtest.h>

namespace ddl {
namespace host_health_test {

using std::chrono::minutes;
using std::chrono::seconds;
using Time = HostHealth::Time;

HealthNews Of(std::int64_t trial, EndKind kind, const std::string& what = "supervisor lost") {
  return {kind, SweepId{1}, trial, what};
}

// True where one of them set it aside.
bool Fails(HostHealth& health, int trials, Time now, int first = 1) {
  bool is_aside = false;
  for (int trial = first; trial < first + trials; ++trial)
    is_aside |= health.Note(Of(trial, EndKind::kHostsFault), std::nullopt, now);
  return is_aside;
}

TEST(HostHealth, ThreeTrialsInARowSetItAside) {
  HostHealth health;
  EXPECT_FALSE(Fails(health, 2, seconds(1)));
  EXPECT_TRUE(Fails(health, 1, seconds(2), 3));
  EXPECT_EQ(health.AsideUntil(), seconds(2) + minutes(1));
  EXPECT_EQ(health.Why(), "supervisor lost");
}

TEST(HostHealth, OneTrialThatFailsAgainAndAgainDoesNot) {
  HostHealth health;
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(health.Note(Of(7, EndKind::kHostsFault), std::nullopt, seconds(i)));
}

TEST(HostHealth, AGoodEndBetweenThemMakesThemCountAnew) {
  HostHealth health;
  EXPECT_FALSE(Fails(health, 2, seconds(1)));
  EXPECT_FALSE(health.Note(Of(9, EndKind::kWell), std::nullopt, seconds(2)));
  EXPECT_FALSE(Fails(health, 2, seconds(3), 3));
  EXPECT_FALSE(health.Note(Of(10, EndKind::kNeutral), std::nullopt, seconds(4)));
  EXPECT_TRUE(Fails(health, 1, seconds(5), 5));
}

TEST(HostHealth, QuickFailuresCountOnlyWhereOthersFinish) {
  HostHealth alone;
  HostHealth beside;
  for (int trial = 1; trial <= 20; ++trial) {
    const HealthNews news = Of(trial, EndKind::kQuickly, "exit code 1");
    EXPECT_FALSE(alone.Note(news, std::nullopt, seconds(trial)));
    // The other one finished before this one began to fail, then again.
    const Time other = trial < 5 ? seconds(0) : seconds(4);
    EXPECT_EQ(beside.Note(news, other, seconds(trial)), trial == 5);
  }
  EXPECT_TRUE(beside.IsAside());
}

TEST(HostHealth, FailuresOfDifferentKindsDoNotAddUp) {
  HostHealth health;
  for (int trial = 1; trial <= 12; ++trial) {
    const std::string what = trial % 2 == 0 ? "exit code 1" : "exit code 2";
    EXPECT_FALSE(health.Note(Of(trial, EndKind::kQuickly, what), seconds(100), seconds(trial)));
  }
}

TEST(HostHealth, ThePauseDoublesUpToHalfAnHourAndOneTrialIsTriedAfterIt) {
  HostHealth health;
  Time now = seconds(1);
  EXPECT_TRUE(Fails(health, 3, now));
  for (const int expected : {1, 2, 4, 8, 16, 30, 30}) {
    EXPECT_EQ(*health.AsideUntil() - now, minutes(expected));
    EXPECT_FALSE(health.Wake(now + seconds(1)));
    now = *health.AsideUntil();
    EXPECT_TRUE(health.Wake(now));
    EXPECT_TRUE(health.IsOnTrial());
    EXPECT_FALSE(health.IsAside());
    EXPECT_TRUE(Fails(health, 1, now));
  }
}

TEST(HostHealth, OneGoodTrialAfterThePauseAndAllIsForgotten) {
  HostHealth health;
  EXPECT_TRUE(Fails(health, 3, seconds(1)));
  EXPECT_TRUE(health.Wake(minutes(2)));
  (void)health.Note(Of(4, EndKind::kWell), std::nullopt, minutes(3));
  EXPECT_FALSE(health.IsOnTrial());
  EXPECT_EQ(health.LastWell(), minutes(3));
  EXPECT_TRUE(Fails(health, 3, minutes(4), 5));
  EXPECT_EQ(*health.AsideUntil(), minutes(4) + minutes(1));
}

TEST(HostHealth, TheUserKnowsBetter) {
  HostHealth health;
  EXPECT_TRUE(Fails(health, 3, seconds(1)));
  health.Forgive();
  EXPECT_FALSE(health.IsAside() || health.IsOnTrial());
}

}  // namespace host_health_test
}  // namespace ddl
