// SPDX-License-Identifier: Apache-2.0
// A host that stays away for longer than `lost_after_s`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace lost_test {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFar = "ssh://far";

// One core here, one there; trials of a thousand seconds, given up after a minute.
class LostHost : public ::testing::Test {
 protected:
  LostHost() {
    world.hosts[kFar] = std::make_unique<FakeHost>(1, &LostHost::Long);
    world.Connect(kFar);
    spec.lost_after = seconds(60);
  }
  static Script Long(const LaunchRecord&) {
    Script script;
    script.wall = seconds(1000);
    script.reports.push_back({seconds(1), {{"loss", 1}}});
    return script;
  }
  void Begin(std::vector<std::string> hosts) {
    spec.hosts = std::move(hosts);
    world.Open(spec);
    world.RunFor(seconds(2));
  }
  [[nodiscard]] FakeHost& Far() { return *world.hosts.at(kFar); }
  [[nodiscard]] int LostAttempts() const {
    int lost = 0;
    for (const auto& [id, trial] : world.store.trials) {
      for (const StoredAttempt& attempt : trial.attempts)
        lost += attempt.ended && attempt.ended->cause == EndCause::kLost ? 1 : 0;
    }
    return lost;
  }

  World world{1, &LostHost::Long};
  SweepSpec spec = GridOf(2);
};

TEST_F(LostHost, LosesItsTrialToAnotherOnceAndItsOldTreeIsStoppedAtItsReturn) {
  Begin({"local", kFar});
  ASSERT_EQ(Far().RunningCount(), 1);
  world.Disconnect(kFar);
  world.RunFor(seconds(58));
  EXPECT_EQ(LostAttempts(), 0);
  world.RunFor(seconds(4));
  EXPECT_EQ(LostAttempts(), 1);
  EXPECT_THAT(world.said,
              Contains(HasSubstr("is given up there: ssh://far did not answer for 60 s")));
  EXPECT_EQ(Far().RunningCount(), 1) << "nobody can stop it";
  world.RunFor(seconds(1200));
  EXPECT_EQ(world.Local().starts, 2) << "the other host has begun it anew";
  world.Connect(kFar);
  world.RunFor(seconds(1));
  EXPECT_EQ(Far().RunningCount(), 0);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 2);
  EXPECT_EQ(LostAttempts(), 1);
  EXPECT_EQ(Far().starts + world.Local().starts, 3);
}

TEST_F(LostHost, IsStoppedWithinOneTurnOfItsReturn) {
  Begin({"local", kFar});
  world.Disconnect(kFar);
  world.RunFor(seconds(100));
  ASSERT_EQ(Far().RunningCount(), 1);
  world.Connect(kFar);
  world.Settle();
  world.RunFor(milliseconds(10));
  for (const auto& [id, rank] : Far().ranks)
    EXPECT_TRUE(rank.exit || rank.record.attempt == 2) << "the old tree is gone";
  EXPECT_EQ(Far().RunningCount(), 1);
}

TEST_F(LostHost, IsWaitedForWhereNoOtherCouldTakeItsTrial) {
  Begin({kFar});
  world.Disconnect(kFar);
  world.RunFor(std::chrono::hours(5));
  EXPECT_EQ(LostAttempts(), 0);
  world.Connect(kFar);
  world.RunToEnd();
  EXPECT_EQ(Far().starts, 2) << "nothing ran twice";
}

TEST_F(LostHost, IsWaitedForWhereTheOtherIsTooSmall) {
  spec.resources.cpus = 2;
  Far().facts.cores = {0, 1};
  world.Disconnect(kFar);
  world.Connect(kFar);
  Begin({"local", kFar});
  world.Disconnect(kFar);
  world.RunFor(std::chrono::hours(5));
  EXPECT_EQ(LostAttempts(), 0);
}

TEST_F(LostHost, DoesNotKeepAStoppedTrialOpen) {
  Begin({kFar});
  world.Disconnect(kFar);
  world.RunFor(seconds(10));
  world.Ask(UserVerb::kStop, {1});
  world.RunFor(seconds(40));
  EXPECT_EQ(world.store.CountState(TrialState::kCanceled), 0);
  world.RunFor(seconds(15));
  EXPECT_EQ(world.store.CountState(TrialState::kCanceled), 1);
  world.Connect(kFar);
  world.RunToEnd();
  EXPECT_EQ(Far().starts, 2) << "the second trial alone began after that";
}

TEST_F(LostHost, CountsOnlyWhileACoordinatorTries) {
  Begin({"local", kFar});
  world.Disconnect(kFar);
  world.Settle();
  world.now += std::chrono::hours(3);  // the coordinator was stopped
  world.next_tick = world.now;
  world.RunFor(seconds(1));
  EXPECT_EQ(LostAttempts(), 0);
  world.Restart();
  world.Connect("local");
  world.RunFor(seconds(58));
  EXPECT_EQ(LostAttempts(), 0) << "a new coordinator begins to count anew";
  world.RunFor(seconds(4));
  EXPECT_EQ(LostAttempts(), 1);
}

TEST_F(LostHost, UsesUpNoGpuHoursThatNobodyHasSeen) {
  Far().facts.gpus = {{.index = 0, .uuid = "GPU-far", .name = "testing", .memory_mib = 8192}};
  world.Disconnect(kFar);
  world.Connect(kFar);
  spec.resources.gpus = 1;
  spec.limits.gpu_h = 0.4;  // 1440 s
  Begin({kFar});
  world.Disconnect(kFar);
  world.RunFor(std::chrono::hours(5));
  EXPECT_TRUE(world.ended.empty()) << "its trial ended after 1000 s, for all we know";
  world.Connect(kFar);
  world.RunToEnd();
  EXPECT_EQ(world.ended.at(0).outcome, SweepOutcome::kLimitReached);
  EXPECT_EQ(Far().starts, 2) << "the second reached it";
}

TEST_F(LostHost, ThatAnswersInTimeLosesNothing) {
  Begin({"local", kFar});
  for (int cut = 0; cut < 5; ++cut) {
    world.Disconnect(kFar);
    world.RunFor(seconds(50));
    world.Connect(kFar);
    world.RunFor(seconds(1));
  }
  world.RunToEnd();
  EXPECT_EQ(LostAttempts(), 0);
  EXPECT_EQ(Far().starts + world.Local().starts, 2);
  EXPECT_THAT(world.said, Not(Contains(HasSubstr("given up"))));
}

}  // namespace lost_test
}  // namespace ddl::test
