// SPDX-License-Identifier: Apache-2.0
// Checkpoints that are brought from host to host, in a world in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_checkpoints_test {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kA = "ssh://a";
constexpr const char* kB = "ssh://b";

struct Begun {
  std::int64_t number = 0;
  std::int64_t parent = 0;
  std::string host;
  std::string brought;
  std::string parent_folder;
};

// Three generations of four on two hosts of one core, a second a report and two reports each.
class CoreCheckpoints : public ::testing::Test {
 protected:
  CoreCheckpoints() {
    spec = GridOf(1);
    Parameter& parameter = spec.space.front();
    parameter.distribution = Distribution::kUniform;
    parameter.values.clear();
    spec.method = Method::kPbt;
    spec.metric = Metric{.name = "loss"};
    spec.pbt = PbtSettings{.population = 4, .interval = 2, .max_iter = 6};
    spec.run_cap = spec.pbt->Trials();
    spec.hosts = {kA, kB};
    spec.lost_after = seconds(60);
    AddHost(kA);
    AddHost(kB);
  }
  void AddHost(const std::string& name) {
    world.hosts[name] = std::make_unique<FakeHost>(1, [this, name](const LaunchRecord& record) {
      begun.push_back({record.trial_number, record.parent_number, name, record.brought_checkpoint,
                       record.parent_checkpoint});
      Script script;
      for (std::int64_t i = 1; i <= 2; ++i)
        script.reports.push_back(
            {seconds(i), {{"loss", static_cast<double>(record.trial_number)}}});
      script.wall = milliseconds(2'100);
      return script;
    });
  }
  // The first generation, and one of the second, on A alone.
  void RunFirstOnA() {
    world.Connect(kA);
    world.Open(spec);
    world.RunFor(milliseconds(9'500));
    ASSERT_THAT(begun, SizeIs(5));
  }
  [[nodiscard]] const Begun& Of(std::int64_t number) const {
    return *std::ranges::find(begun, number, &Begun::number);
  }
  [[nodiscard]] std::int64_t CountOn(const std::string& host) const {
    return std::ranges::count(begun, host, &Begun::host);
  }
  // What begins elsewhere than its parent ran begins from what was brought of it, and nothing else.
  void ExpectLineage() const {
    for (const Begun& one : begun) {
      if (one.parent == 0) continue;
      const bool is_elsewhere = Of(one.parent).host != one.host;
      EXPECT_EQ(one.brought.empty(), !is_elsewhere) << one.number;
      if (!is_elsewhere) continue;
      EXPECT_THAT(one.brought, HasSubstr("/brought/trial-" + std::to_string(one.parent) + "."));
    }
  }

  World world{1};
  SweepSpec spec;
  std::vector<Begun> begun;
};

TEST_F(CoreCheckpoints, AreBroughtToAHostThatHasRoom) {
  RunFirstOnA();
  world.Connect(kB);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  EXPECT_GE(CountOn(kB), 3);
  ExpectLineage();
  EXPECT_THAT(world.dropped, Contains("trial-" + std::to_string(Of(6).parent) + ".1"));
}

TEST_F(CoreCheckpoints, StayWhereThereIsRoom) {
  world.Connect(kA);
  world.Connect(kB);
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  ExpectLineage();
  for (const FetchCheckpoint& fetch : world.fetches)
    EXPECT_TRUE(fetch.is_there);
}

TEST_F(CoreCheckpoints, AreFetchedForAsManyTrialsAsThereIsRoomFor) {
  RunFirstOnA();
  world.fetches_are_answered = false;
  world.Connect(kB);
  world.Settle();
  ASSERT_THAT(world.fetches, SizeIs(1)) << "two wait, and B takes one";
  EXPECT_EQ(world.fetches[0].host, kA);
  EXPECT_EQ(world.fetches[0].folder, "/testing/jobs");
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {6}),
              HasSubstr("for room on ssh://a, where its checkpoint lies, or for that to be fetched "
                        "for ssh://b. Where another host has room sooner"));
}

TEST_F(CoreCheckpoints, NobodyWaitsForWhatIsOnItsWay) {
  RunFirstOnA();
  world.fetches_are_answered = false;
  world.Connect(kB);
  world.RunToEnd();
  EXPECT_EQ(CountOn(kB), 0);
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
}

TEST_F(CoreCheckpoints, AreOfferedAndTheTrialStartsWhereverThereIsRoomFirst) {
  RunFirstOnA();
  world.offers_arrive = false;
  world.Connect(kB);
  world.RunFor(milliseconds(500));
  world.Tell(CodeAwaited{2, world.offers.at(0), " has 1.0 of 9.0 MiB"});
  world.Settle();
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {6}),
              HasSubstr("or for ssh://b, to which that is sent: has 1.0 of 9.0 MiB"));
  world.RunFor(seconds(3));
  EXPECT_EQ(Of(6).host, kA);
  EXPECT_THAT(world.dropped, Contains(world.offers.at(0)));
}

TEST_F(CoreCheckpoints, ThatCannotBeFetchedAreAskedForAgainAndSaidOnce) {
  RunFirstOnA();
  world.fetch_problem = "no room here";
  world.hosts.at(kA)->foreign_cores[0] = "somebody";  // nothing more starts there
  world.Connect(kB);
  world.RunFor(seconds(100));
  EXPECT_GE(world.fetches.size(), 3U);
  EXPECT_LE(world.fetches.size(), 16U);
  const std::string line = "the checkpoint of trial " + std::to_string(world.fetches[0].number) +
                           " does not come: no room here";
  EXPECT_EQ(std::ranges::count(world.said, line), 1);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {6}), HasSubstr("which does not come from there: no"));
  world.fetch_problem.clear();
  world.RunFor(seconds(40));
  EXPECT_EQ(Of(6).host, kB);
}

TEST_F(CoreCheckpoints, OfALostHostFailTheTrialWhereThereIsNoCopy) {
  RunFirstOnA();
  world.RunFor(seconds(2));
  world.Disconnect(kA);
  world.Connect(kB);
  world.RunFor(seconds(50));
  EXPECT_EQ(CountOn(kB), 0) << "it may come back";
  EXPECT_FALSE(world.fetches.at(0).is_there);
  world.RunFor(seconds(20));
  ASSERT_GT(CountOn(kB), 0);
  const auto first = std::ranges::find(begun, kB, &Begun::host);
  EXPECT_NE(first->parent, 0);
  EXPECT_EQ(first->brought, "") << "its supervisor says that there is none";
  EXPECT_EQ(first->parent_folder, "trial-" + std::to_string(first->parent) + ".lost")
      << "whatever an earlier attempt of its parent left on B";
}

TEST_F(CoreCheckpoints, OfALostHostCountWhereAnEarlierCoordinatorCopiedThem) {
  RunFirstOnA();
  for (int trial = 1; trial <= 4; ++trial)
    world.copies.insert("trial-" + std::to_string(trial) + ".1");
  world.Disconnect(kA);
  world.Connect(kB);
  world.RunFor(seconds(5));
  EXPECT_GT(CountOn(kB), 0) << "at once";
  ExpectLineage();
}

TEST_F(CoreCheckpoints, OfADrainedHostGoElsewhere) {
  RunFirstOnA();
  world.Connect(kB);
  UserAsked drain{.request = 99, .verb = UserVerb::kDrainHost};
  drain.host = kA;
  world.Tell(drain);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  EXPECT_GE(CountOn(kB), 6);
  ExpectLineage();
}

TEST_F(CoreCheckpoints, ThatWereTakenAwayAgainAreBroughtOnceMore) {
  RunFirstOnA();
  world.hosts.at(kA)->foreign_cores[0] = "somebody";
  world.hosts.at(kB) = std::make_unique<FakeHost>(1, [this](const LaunchRecord& record) {
    begun.push_back({record.trial_number, record.parent_number, kB, record.brought_checkpoint,
                     record.parent_checkpoint});
    Script script{.wall = milliseconds(10)};
    if (CountOn(kB) == 1) script.cause = EndCause::kLaunchRefused;
    return script;
  });
  world.Connect(kB);
  world.RunFor(seconds(5));
  EXPECT_GE(CountOn(kB), 2);
  EXPECT_EQ(std::ranges::count(world.offers, world.offers.at(0)), 2);
  ExpectLineage();
}

TEST_F(CoreCheckpoints, OutliveCoordinatorsKilledAtAnyMoment) {
  for (const auto crash : {World::Crash::kBeforeCommit, World::Crash::kAfterCommit}) {
    for (int at = 1; at < 60; ++at) {
      SCOPED_TRACE(at);
      world = World(1);
      begun.clear();
      AddHost(kA);
      AddHost(kB);
      RunFirstOnA();
      world.Connect(kB);
      for (int turn = 1; !world.mailbox.empty() || !world.core->AllSweepsEnded(); ++turn) {
        if (world.mailbox.empty()) world.Advance();
        world.Turn(turn == at ? crash : World::Crash::kNot);
        if (turn != at) continue;
        world.Restart();
        world.Connect(kA);
        world.Connect(kB);
      }
      ASSERT_EQ(world.store.CountState(TrialState::kFinished), 12);
      ExpectLineage();
    }
  }
}

}  // namespace core_checkpoints_test
}  // namespace ddl::test
