// SPDX-License-Identifier: Apache-2.0
// What hosts.yaml and `ddl hosts` do to a running sweep: bounds, drains, hosts that come and go,
// and hosts that are set aside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/admission.h"
#include "scheduler/core.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_inventory_test {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFar = "ssh://far";

Script Lasting(Time wall) {
  Script script;
  script.wall = wall;
  return script;
}

Script Lost() {
  Script script;
  script.cause = EndCause::kLaunchRefused;
  script.detail = "set-up line 1 of hosts.yaml ended with exit code 1: module load x";
  return script;
}

Script ExitingWith(int code) {
  Script script;
  script.exit_code = code;
  return script;
}

HostEntry Far() {
  return {.name = "far", .address = kFar, .labels = {}, .env = {}, .setup = {}};
}

SweepSpec OverBoth(int trials) {
  SweepSpec spec = GridOf(trials);
  spec.hosts = {"local", kFar};
  spec.inventory = {Far()};
  return spec;
}

// Two hosts of two cores each, `local` and "far".
struct TwoHosts : World {
  explicit TwoHosts(const Plan& here, const Plan& there) : World(2, here) {
    hosts[kFar] = std::make_unique<FakeHost>(2, there);
    Connect(kFar);
  }
  explicit TwoHosts(Time wall = seconds(10))
      : TwoHosts([wall](const LaunchRecord&) { return Lasting(wall); },
                 [wall](const LaunchRecord&) { return Lasting(wall); }) {}

  [[nodiscard]] FakeHost& There() { return *hosts.at(kFar); }
  Answer OfHost(UserVerb verb, const std::string& host, const std::string& reason = {}) {
    Tell(UserAsked{
        .request = ++request, .verb = verb, .sweep = SweepId{1}, .host = host, .reason = reason});
    Settle();
    return answers.at(request);
  }
  Answer Add(const HostEntry& entry) {
    Tell(UserAsked{.request = ++request,
                   .verb = UserVerb::kAddHost,
                   .sweep = SweepId{1},
                   .host = entry.address,
                   .entry = entry});
    Settle();
    return answers.at(request);
  }
  [[nodiscard]] SweepSpec Stored() {
    return SpecFromJson(ParseJson(store.Load("grid")->spec_json, "test"));
  }
};

TEST(CoreInventory, AddsAHostToATrainersSweepOnlyWhereItsTrainerCanTravel) {
  TwoHosts world;
  SweepSpec spec = GridOf(8);
  spec.command.clear();
  spec.trainer = Json{{"data", "blobs"}};
  (void)world.Open(spec);
  const Answer answer = world.Add(Far());
  EXPECT_FALSE(answer.ok);
  EXPECT_THAT(answer.text, HasSubstr("write far below hosts: in the spec and run ddl sweep again"));
}

TEST(CoreInventory, BoundsHoldForAHost) {
  TwoHosts world;
  SweepSpec spec = OverBoth(20);
  spec.inventory[0].cpus = 1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.There().most_running, 1);
  EXPECT_EQ(world.Local().most_running, 2);
}

TEST(CoreInventory, SoManyAtOnceAndNoMore) {
  TwoHosts world;
  SweepSpec spec = OverBoth(40);
  spec.resources.cpus = 0.1;
  spec.inventory[0].parallel = 3;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.There().most_running, 3);
  EXPECT_GT(world.Local().most_running, 3);
}

TEST(CoreInventory, ATrialGetsTheHostsEnvironmentBelowTheSpecsAndItsSetUp) {
  std::optional<LaunchRecord> launched;
  const auto here = [](const LaunchRecord&) { return Lasting(seconds(1)); };
  TwoHosts world(here, [&](const LaunchRecord& record) {
    launched = record;
    return Lasting(seconds(1));
  });
  SweepSpec spec = OverBoth(4);
  spec.hosts = {kFar};
  spec.env = {{"A", "spec"}};
  spec.inventory[0].env = {{"A", "host"}, {"B", "host"}};
  spec.inventory[0].setup = {"module load x"};
  world.Open(spec);
  world.RunToEnd();
  ASSERT_TRUE(launched);
  EXPECT_THAT(launched->setup, ElementsAre("module load x"));
  EXPECT_THAT(launched->argv, ElementsAre("/bin/true"));
  const std::vector<std::pair<std::string, std::string>> expected{
      {"DDL_SEED", "0"}, {"A", "host"}, {"B", "host"}, {"A", "spec"}};
  EXPECT_EQ(launched->env, expected);  // the last of a name counts
}

TEST(CoreInventory, ADrainedHostGetsNoFurtherTrialAndLosesNone) {
  TwoHosts world;
  world.Open(OverBoth(40));
  world.RunFor(seconds(1));
  const auto before = world.There().starts;
  const Answer answer = world.OfHost(UserVerb::kDrainHost, "far", "new fans");
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "far takes no further trials; 2 that run there end by themselves");
  EXPECT_THAT(world.said, Contains("host far is drained: new fans"));
  EXPECT_THAT(world.Progress().waiting_for, HasSubstr("far is drained: new fans"));
  world.RunFor(std::chrono::minutes(2));
  EXPECT_EQ(world.There().starts, before);
  EXPECT_EQ(world.There().ranks.size(), 0U);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {40}), HasSubstr("far is drained: new fans"));
  EXPECT_TRUE(world.OfHost(UserVerb::kResumeHost, kFar).ok);
  world.RunToEnd();
  EXPECT_GT(world.There().starts, before);
}

TEST(CoreInventory, ADrainOutlivesTheCoordinator) {
  TwoHosts world;
  world.Open(OverBoth(40));
  world.RunFor(seconds(1));
  EXPECT_TRUE(world.OfHost(UserVerb::kDrainHost, "far", "fans").ok);
  const auto before = world.There().starts;
  world.Restart();
  world.Connect("local");
  world.Connect(kFar);
  world.RunFor(std::chrono::minutes(2));
  EXPECT_EQ(world.There().starts, before);
  EXPECT_FALSE(world.OfHost(UserVerb::kResumeHost, "local").ok);
  EXPECT_TRUE(world.OfHost(UserVerb::kResumeHost, "far").ok);
  EXPECT_TRUE(world.Stored().drained.empty());
}

TEST(CoreInventory, ASweepOfDrainedHostsAloneSaysWhyItWaits) {
  TwoHosts world;
  SweepSpec spec = OverBoth(40);
  spec.hosts = {kFar};
  world.Open(spec);
  world.RunFor(seconds(1));
  EXPECT_TRUE(world.OfHost(UserVerb::kDrainHost, "far").ok);
  world.RunFor(std::chrono::minutes(1));
  EXPECT_EQ(world.Progress().waiting_for, "waits, as no host of its takes trials: far is drained");
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {40}), HasSubstr("ddl hosts resume NAME"));
}

TEST(CoreInventory, NamesTheHostsThatThereAreForOneThatIsNot) {
  TwoHosts world;
  world.Open(OverBoth(40));
  const Answer answer = world.OfHost(UserVerb::kDrainHost, "fax");
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "no open sweep uses fax; they use: far, local");
}

TEST(CoreInventory, ASweepGetsAHostWhileItRuns) {
  TwoHosts world;
  SweepSpec spec = GridOf(40);
  world.Open(spec);
  world.RunFor(seconds(1));
  EXPECT_EQ(world.There().starts, 0);
  EXPECT_EQ(world.Add(Far()).text, "grid uses far from now on");
  EXPECT_FALSE(world.Add(Far()).ok);
  world.RunToEnd();
  EXPECT_GT(world.There().starts, 0);
  EXPECT_THAT(world.Stored().hosts, ElementsAre("local", kFar));
}

TEST(CoreInventory, TheFileMaySayWhatItSaidBefore) {
  TwoHosts world;
  const SweepSpec file = GridOf(40);
  world.Open(file);
  EXPECT_TRUE(world.Add(Far()).ok);
  const SweepSpec again = WithExtension(world.Stored(), file);
  EXPECT_THAT(again.hosts, ElementsAre("local", kFar));
  ASSERT_EQ(again.inventory.size(), 1U);
  SweepSpec other = file;
  other.hosts = {kFar};
  EXPECT_THAT(WithExtension(world.Stored(), other).hosts, ElementsAre(kFar));
  EXPECT_EQ(WithExtension(world.Stored(), other).hosts_before_change, std::nullopt);
}

TEST(CoreInventory, ASweepLosesAHostOnceItsTrialsThereHaveEnded) {
  TwoHosts world;
  world.Open(OverBoth(12));
  world.RunFor(seconds(1));
  EXPECT_EQ(world.OfHost(UserVerb::kRemoveHost, "far").text,
            "grid does not use far any more; 2 that run there end by themselves");
  EXPECT_FALSE(world.OfHost(UserVerb::kRemoveHost, "local").ok);  // its only one
  world.RunToEnd();
  EXPECT_EQ(world.There().starts, 2);
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 12);
  EXPECT_EQ(world.store.CountState(TrialState::kCanceled), 0);
}

TEST(CoreInventory, AHostWhereNothingStartsIsSetAsideAndTriedAgain) {
  bool is_broken = true;
  TwoHosts world([](const LaunchRecord&) { return Lasting(seconds(10)); },
                 [&](const LaunchRecord&) { return is_broken ? Lost() : Lasting(seconds(10)); });
  world.Open(OverBoth(200));
  world.RunFor(seconds(20));
  EXPECT_LE(world.There().starts, 5);
  EXPECT_THAT(world.said, Contains(HasSubstr("host far is set aside for 1 min, as trials keep "
                                             "failing there: launch refused: set-up line 1")));
  const auto before = world.There().starts;
  world.RunFor(std::chrono::minutes(1));
  EXPECT_EQ(world.There().starts, before + 1);
  is_broken = false;
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 0);
  EXPECT_GT(world.There().starts, before + 10);
}

TEST(CoreInventory, AHostIsTriedAgainWhileOlderTrialsRunThere) {
  int starts = 0;
  TwoHosts world(
      [](const LaunchRecord&) { return Lasting(seconds(10)); },
      [&](const LaunchRecord&) { return ++starts == 1 ? Lasting(std::chrono::hours(5)) : Lost(); });
  world.Open(OverBoth(2000));
  world.RunFor(seconds(20));
  EXPECT_THAT(world.said, Contains(HasSubstr("host far is set aside for 1 min")));
  const int before = starts;
  world.RunFor(std::chrono::minutes(1));
  EXPECT_EQ(starts, before + 1);
}

TEST(CoreInventory, ASweepWaitsForGpusOfWhichTheDriverSaysNothingYet) {
  World world(2, [](const LaunchRecord&) { return Lasting(seconds(1)); });
  world.Settle();
  world.Local().facts.gpu_note = "nvidia-smi did not answer within 10 s";
  world.TellDevices("local");
  SweepSpec spec = GridOf(2);
  spec.resources.gpus = 1;
  world.Open(spec);
  world.RunFor(seconds(20));
  EXPECT_FALSE(world.core->AllSweepsEnded());
  EXPECT_THAT(world.said, Contains(HasSubstr("nvidia-smi did not answer within 10 s")));
  world.Local().facts.gpu_note.clear();
  world.Local().facts.gpus = {{.index = 0, .uuid = "GPU-a", .name = "A100"}};
  world.TellDevices("local");
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 2);
}

TEST(CoreInventory, ASweepForWhichTheDriversFirstAnswerIsTooLittleEndsThen) {
  World world(2);
  world.Settle();
  world.Local().facts.gpu_note = "nvidia-smi did not answer within 10 s";
  world.TellDevices("local");
  SweepSpec spec = GridOf(2);
  spec.resources.gpus = 2;
  world.Open(spec);
  world.RunFor(seconds(20));
  ASSERT_FALSE(world.core->AllSweepsEnded());
  world.Local().facts.gpu_note.clear();
  world.Local().facts.gpus = {{.index = 0, .uuid = "GPU-a", .name = "A100"}};
  world.TellDevices("local");
  world.RunFor(seconds(20));
  ASSERT_FALSE(world.ended.empty());
  EXPECT_THAT(world.ended.back().reason, HasSubstr("local has 1 GPU, not 2"));
}

TEST(CoreInventory, ASweepWhoseGpusAreAllDrainedIsNotRefusedAfterARestart) {
  World world(4, [](const LaunchRecord&) {
    Script script = ExitingWith(1);
    script.failure = "GPU has fallen off the bus";
    return script;
  });
  world.Local().facts.gpus = {{.index = 0, .uuid = "GPU-a", .name = "A100"}};
  world.TellDevices("local");
  SweepSpec spec = GridOf(6);
  spec.resources.gpus = 1;
  world.Open(spec);
  world.RunFor(seconds(20));
  ASSERT_THAT(world.said, Contains(HasSubstr("host local uses GPU-a no more")));
  ASSERT_FALSE(world.core->AllSweepsEnded());
  world.Restart();
  world.Connect("local");
  world.RunFor(seconds(20));
  EXPECT_FALSE(world.core->AllSweepsEnded());
}

// An earlier sweep whose code cannot reach a host must not keep it from a later one.
TEST(CoreInventory, AHostWithoutItsCodeIsReservedForNoSweep) {
  World world(2, [](const LaunchRecord&) { return Lasting(seconds(10)); });
  SweepSpec spec = GridOf(1, "first");
  spec.command.clear();
  spec.trainer = Json{{"data", "blobs"}};
  spec.code = std::string(64, 'c');
  world.Open(spec);
  world.Open(GridOf(100, "second"));
  world.RunFor(std::chrono::minutes(10));
  EXPECT_GT(world.store.CountState(TrialState::kFinished), 90);
}

TEST(CoreInventory, TheOnlyHostOfASweepIsSetAsideTooAndTheReasonIsShown) {
  World world(2, [](const LaunchRecord&) { return Lost(); });
  world.Open(GridOf(10));
  world.RunFor(seconds(20));
  EXPECT_THAT(world.Progress().waiting_for,
              HasSubstr("waits, as no host of its takes trials: local is set aside for "));
  world.RunToEnd(std::chrono::hours(2000));
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 10);
}

TEST(CoreInventory, AHostWhereAllFailAtOnceIsSetAsideWhereAnotherRunsThem) {
  TwoHosts world([](const LaunchRecord&) { return Lasting(seconds(30)); },
                 [](const LaunchRecord&) {
                   Script script = ExitingWith(1);
                   script.wall = milliseconds(500);
                   return script;
                 });
  world.Open(OverBoth(60));
  world.RunToEnd();
  EXPECT_THAT(world.said, Contains(HasSubstr("host far is set aside for 1 min")));
  EXPECT_GT(world.store.CountState(TrialState::kFinished), 30);
}

// A host with two GPUs, the second of which breaks with its first trial.
TEST(CoreInventory, AGpuThatALogSaysIsGoneGetsNoFurtherTrialAndCostsNoTry) {
  std::map<int, int> starts;
  World world(4, [&](const LaunchRecord& record) {
    const int gpu = record.slots.gpus.at(0).index;
    ++starts[gpu];
    Script script = gpu == 1 ? ExitingWith(1) : Lasting(seconds(10));
    if (gpu == 1) script.failure = "GPU has fallen off the bus";
    return script;
  });
  world.Local().facts.gpus = {{.index = 0, .uuid = "GPU-a", .name = "A100"},
                              {.index = 1, .uuid = "GPU-b", .name = "A100"}};
  world.TellDevices("local");
  SweepSpec spec = GridOf(6);
  spec.resources.gpus = 1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 6);
  EXPECT_EQ(starts[0], 6);
  EXPECT_EQ(starts[1], 1);
  EXPECT_THAT(world.said, Contains(HasSubstr("host local uses GPU-b no more: trial ")));
}

// Two GPUs, the first of which is too small for every trial with an even number.
Script OutOfMemoryOnSmall(const LaunchRecord& record) {
  const bool is_too_small =
      record.slots.gpus.at(0).uuid == "GPU-small" && record.trial_number % 2 == 0;
  Script script = is_too_small ? ExitingWith(1) : Lasting(seconds(10));
  if (is_too_small) {
    script.failure = "CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation";
  }
  return script;
}

TEST(CoreInventory, ATrialWithTooLittleGpuMemoryGoesToALargerGpuAndNobodyWaitsForIt) {
  std::map<std::int64_t, std::vector<std::string>> places;
  World world(4, [&](const LaunchRecord& record) {
    places[record.trial_number].push_back(record.slots.gpus.at(0).uuid);
    return OutOfMemoryOnSmall(record);
  });
  world.Local().facts.gpus = {
      {.index = 0, .uuid = "GPU-small", .name = "T4", .memory_mib = 16384},
      {.index = 1, .uuid = "GPU-large", .name = "A100", .memory_mib = 40960}};
  world.TellDevices("local");
  SweepSpec spec = GridOf(10);
  spec.resources.gpus = 1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 10);
  int small = 0;
  for (const auto& [number, gpus] : places) {
    EXPECT_EQ(gpus.back(), number % 2 == 0 ? "GPU-large" : gpus.back());
    EXPECT_EQ(gpus.size(), number % 2 == 0 && gpus.front() == "GPU-small" ? 2U : 1U) << number;
    small += number % 2 == 1 && gpus.front() == "GPU-small" ? 1 : 0;
  }
  EXPECT_GE(small, 3) << "the small one idles";
}

TEST(CoreInventory, WhereNoGpuIsLargerTooLittleMemoryIsTheTrialsOwnFailure) {
  World world(4, OutOfMemoryOnSmall);
  world.Local().facts.gpus = {{.index = 0, .uuid = "GPU-small", .name = "T4", .memory_mib = 16384}};
  world.TellDevices("local");
  SweepSpec spec = GridOf(4);
  spec.resources.gpus = 1;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 2);
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 2);
}

// Deterministic trainings diverge again at the same step; retries are for what may go well.
TEST(CoreInventory, ADivergedTrialHasFailedForGoodAndSaysWhy) {
  std::map<std::int64_t, int> starts;
  World world(4, [&](const LaunchRecord& record) {
    ++starts[record.trial_number];
    Script script = record.trial_number == 2 ? ExitingWith(1) : Lasting(seconds(10));
    if (record.trial_number == 2) {
      script.failure = "^diverged at step [0-9]+: the loss is not finite";
    }
    return script;
  });
  SweepSpec spec = GridOf(3);
  spec.retries = 5;
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  EXPECT_EQ(starts[2], 1);
  for (const auto& [id, trial] : world.store.trials) {
    if (trial.state != TrialState::kFailed) continue;
    EXPECT_THAT(trial.reason, HasSubstr("diverged at step"));
    EXPECT_EQ(trial.failures, 1);
  }
}

TEST(CoreInventory, ARuleMayDrainTheWholeHost) {
  TwoHosts world([](const LaunchRecord&) { return Lasting(seconds(10)); },
                 [](const LaunchRecord&) {
                   Script script = ExitingWith(1);
                   script.failure = "disk of [a-z]+ is broken";
                   return script;
                 });
  SweepSpec spec = OverBoth(20);
  spec.failures = {{"disk of [a-z]+ is broken", FailureAction::kDrainHost}};
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 20);
  EXPECT_LE(world.There().starts, 2);
  ASSERT_FALSE(world.Stored().drained.empty());
}

TEST(CoreInventory, WhatFailsEverywhereSetsNoHostAside) {
  TwoHosts world([](const LaunchRecord&) { return ExitingWith(1); },
                 [](const LaunchRecord&) { return ExitingWith(1); });
  world.Open(OverBoth(60));
  world.RunToEnd(std::chrono::minutes(2));
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 60);
}

}  // namespace core_inventory_test
}  // namespace ddl::test
