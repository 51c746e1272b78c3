// SPDX-License-Identifier: Apache-2.0
// Sweeps whose trials go on from each other's checkpoints, in a world in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/json.h"
#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_lineage_test {

using ::testing::HasSubstr;

std::string ValueOf(const LaunchRecord& record, const std::string& variable) {
  for (const auto& [name, value] : record.env) {
    if (name == variable) return value;
  }
  return "";
}

// One report a second.
Script Reports(const LaunchRecord& record, std::int64_t count) {
  Script script;
  for (std::int64_t i = 1; i <= count; ++i)
    script.reports.push_back({seconds(i), {{"loss", static_cast<double>(record.trial_number)}}});
  script.wall = seconds(count) + milliseconds(100);
  return script;
}

// Three generations of four, each of two reports.
SweepSpec Population() {
  SweepSpec spec = GridOf(1);
  Parameter& parameter = spec.space.front();
  parameter.distribution = Distribution::kUniform;
  parameter.values.clear();
  spec.method = Method::kPbt;
  spec.metric = Metric{.name = "loss"};
  spec.pbt = PbtSettings{.population = 4, .interval = 2, .max_iter = 6};
  spec.run_cap = spec.pbt->Trials();
  return spec;
}

struct Launched {
  std::int64_t number = 0;
  std::string until;
  std::int64_t parent = 0;
  std::string host;
  std::string brought;
};

// In a world whose trials do what `plan` says; what was launched, in order.
class Recorder {
 public:
  explicit Recorder(std::function<Script(const LaunchRecord&)> plan) : plan_(std::move(plan)) {}

  World::Plan On(const std::string& host) {
    return [this, host](const LaunchRecord& record) {
      launched.push_back({record.trial_number, ValueOf(record, "DDL_UNTIL"), record.parent_number,
                          host, record.brought_checkpoint});
      if (record.parent_number > 0) {
        EXPECT_EQ(record.parent_checkpoint, "trial-" + std::to_string(record.parent_number));
      }
      return plan_(record);
    };
  }
  [[nodiscard]] const Launched& Of(std::int64_t number) const {
    return *std::ranges::find(launched, number, &Launched::number);
  }

  std::vector<Launched> launched;

 private:
  std::function<Script(const LaunchRecord&)> plan_;
};

Script TwoReports(const LaunchRecord& record) {
  return Reports(record, 2);
}

TEST(CoreLineage, AGenerationBeginsFromTheOneBeforeIt) {
  Recorder recorder(TwoReports);
  World world(2, recorder.On("local"));
  world.Open(Population());
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  for (std::int64_t number = 1; number <= 12; ++number) {
    const Launched& launched = recorder.Of(number);
    const std::int64_t generation = (number - 1) / 4;
    EXPECT_EQ(launched.until, std::to_string(2 * generation + 2));
    if (generation == 0) {
      EXPECT_EQ(launched.parent, 0);
    }
    if (generation > 0) {
      EXPECT_EQ((launched.parent - 1) / 4, generation - 1) << number;
    }
  }
  EXPECT_EQ(world.ended.back().outcome, SweepOutcome::kAllDone);
}

TEST(CoreLineage, NobodyGoesOnFromWhatHasNotEnded) {
  Recorder recorder([](const LaunchRecord& record) {
    Script script = Reports(record, 2);
    if (record.trial_number == 3) script.wall = std::chrono::hours(1);
    return script;
  });
  World world(8, recorder.On("local"));
  world.Open(Population());
  world.RunFor(seconds(60));
  // Three went on, and of these three again none before the fourth of their generation has begun.
  EXPECT_EQ(recorder.launched.size(), 7U);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {8}), HasSubstr("a trial of the generation before it"));
  EXPECT_THAT(world.Ask(UserVerb::kStop, {3}), HasSubstr("is told to stop"));
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 11);
  EXPECT_EQ(world.store.CountState(TrialState::kCanceled), 1);
}

TEST(CoreLineage, ATrialThatDoesNotKnowItsEndIsToldItWithTheNextReport) {
  Recorder recorder([](const LaunchRecord& record) { return Reports(record, 100); });
  World world(2, recorder.On("local"));
  world.Open(Population());
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  for (std::int64_t number = 1; number <= 12; ++number) {
    ASSERT_EQ(world.store.Trial(number).attempts.size(), 1U);
    const StoredAttempt& attempt = world.store.Trial(number).attempts.front();
    EXPECT_EQ(attempt.ended->cause, EndCause::kStopped);
    EXPECT_EQ(attempt.mark, 3);
  }
}

TEST(CoreLineage, LeavingToBeContinuedIsAnEndWhereThePartIsDone) {
  Recorder recorder([](const LaunchRecord& record) {
    // The first attempt leaves amid its part.
    Script script = Reports(record, record.attempt == 1 && record.trial_number == 2 ? 1 : 2);
    script.exit_code = 75;
    return script;
  });
  World world(2, recorder.On("local"));
  world.Open(Population());
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  EXPECT_EQ(world.store.Trial(2).attempts.size(), 2U);
  EXPECT_EQ(world.store.Trial(3).attempts.size(), 1U);
}

TEST(CoreLineage, AFailedMemberIsReplaced) {
  Recorder recorder([](const LaunchRecord& record) {
    Script script = Reports(record, 2);
    if (record.trial_number == 2) script.exit_code = 3;
    return script;
  });
  World world(2, recorder.On("local"));
  world.Open(Population());
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 11);
  for (const Launched& launched : recorder.launched)
    EXPECT_NE(launched.parent, 2);
  EXPECT_EQ(recorder.Of(6).parent, 1) << "the best of those that came to a value";
}

TEST(CoreLineage, ParentsOutliveTheCoordinator) {
  Recorder undisturbed(TwoReports);
  World calm(1, undisturbed.On("local"));
  calm.Open(Population());
  calm.RunToEnd();
  for (const auto crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    Recorder recorder(TwoReports);
    World world(1, recorder.On("local"));
    world.Open(Population());
    for (int kill = 0; kill < 6; ++kill) {
      world.RunFor(milliseconds(3'700));
      world.Turn(crash);
      world.Restart();
      world.Connect("local");
    }
    world.RunToEnd();
    EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
    for (std::int64_t number = 1; number <= 12; ++number)
      EXPECT_EQ(recorder.Of(number).parent, undisturbed.Of(number).parent) << number;
  }
}

// The reports that an earlier coordinator counted count on.
TEST(CoreLineage, CountsReportsAcrossCoordinators) {
  Recorder recorder([](const LaunchRecord& record) { return Reports(record, 100); });
  World world(4, recorder.On("local"));
  world.Open(Population());
  world.RunFor(milliseconds(1'500));  // one report each
  world.Restart();
  world.Connect("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  EXPECT_EQ(world.store.Trial(1).attempts.front().mark, 3);
}

// The order to leave was committed, and died with the coordinator.
TEST(CoreLineage, AnOrderThatWasNotSentIsSentByTheNextCoordinator) {
  Recorder recorder([](const LaunchRecord& record) { return Reports(record, 100); });
  World world(1, recorder.On("local"));
  world.Open(Population());
  world.RunFor(milliseconds(2'900));  // two reports have come
  for (int turn = 0; world.store.Trial(1).wanted.empty() && turn < 10; ++turn) {
    world.Advance();
    world.Turn(World::Crash::kAfterCommit);
    world.Restart();
    world.Connect("local");
    if (world.store.Trial(1).wanted.empty()) world.Settle();
  }
  EXPECT_EQ(world.store.Trial(1).wanted, "part done");
  world.RunFor(seconds(2));
  EXPECT_EQ(world.store.Trial(1).state, TrialState::kFinished);
}

TEST(CoreLineage, ItCannotBeExtended) {
  World world(1, TwoReports);
  world.Open(Population());
  world.extend_by = 4;
  EXPECT_THAT(world.Ask(UserVerb::kExtend), HasSubstr("begin another sweep"));
}

}  // namespace core_lineage_test
}  // namespace ddl::test
