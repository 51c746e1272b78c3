// SPDX-License-Identifier: Apache-2.0
// What a GPU's failure or shortage, as the built-in trainer's log tells of it, costs a trial and
// the host where it was.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/failure_match.h"
#include "scheduler/verdict.h"
#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_failure_rules_test {

using ::testing::HasSubstr;

constexpr const char* kGpuFailed = "ddl-trainer: the GPU failed: an illegal memory access";
constexpr const char* kTooSmall =
    "ddl-trainer: one training needs 20.00 GiB of the GPU's memory, which has 16.00 in all";
constexpr const char* kInUse =
    "ddl-trainer: one training needs 20.00 GiB of the GPU's memory, and 3.00 are free";

// A trial whose log has the line, which its supervisor finds as it does on a host.
Script FailingWith(const std::string& line) {
  std::vector<std::string> patterns;
  for (const FailureRule& rule : BuiltInFailureRules())
    patterns.push_back(rule.pattern);
  Script script;
  script.wall = seconds(10);
  script.exit_code = 1;
  script.failure = FindFailure(patterns, line).pattern;
  return script;
}

Script Lasting(Time wall) {
  Script script;
  script.wall = wall;
  return script;
}

// One host with two GPUs, and trials that take one each.
struct TwoGpus : World {
  explicit TwoGpus(const Plan& plan) : World(4, plan) {
    Local().facts.gpus = {{.index = 0, .uuid = "GPU-small", .name = "T4", .memory_mib = 16384},
                          {.index = 1, .uuid = "GPU-large", .name = "A100", .memory_mib = 40960}};
    TellDevices("local");
  }
  void Open(int trials) {
    SweepSpec spec = GridOf(trials);
    spec.resources.gpus = 1;
    World::Open(spec);
  }
  // No host or GPU is drained, and nobody was told that the host is set aside.
  [[nodiscard]] bool IsAllInUse() {
    return SpecFromJson(ParseJson(store.Load("grid")->spec_json, "test")).drained.empty() &&
           std::ranges::none_of(said, [](const std::string& line) {
             return line.find("set aside") != std::string::npos ||
                    line.find("no more") != std::string::npos;
           });
  }
};

TEST(CoreFailureRules, AGpuThatFailsCostsNoTryAndIsNotDrained) {
  for (const char* line : {kGpuFailed, kInUse}) {
    std::map<std::int64_t, int> starts;
    TwoGpus world([&](const LaunchRecord& record) {
      return ++starts[record.trial_number] <= 3 ? FailingWith(line) : Lasting(seconds(10));
    });
    world.Open(6);
    world.RunFor(seconds(11));
    const StoredTrial& first = world.store.Trial(1);
    EXPECT_EQ(first.state, TrialState::kWaiting) << line;
    EXPECT_EQ(first.failures, 0);
    EXPECT_THAT(first.reason, HasSubstr("starts anew after: exit code 1 (^ddl-trainer: "));
    world.RunToEnd();
    EXPECT_EQ(world.store.CountState(TrialState::kFinished), 6) << line;
    for (const auto& [number, times] : starts)
      EXPECT_EQ(times, 4) << number;
    EXPECT_TRUE(world.IsAllInUse()) << line;
  }
}

TEST(CoreFailureRules, AGpuThatKeepsFailingATrialEndsIt) {
  int starts = 0;
  TwoGpus world([&](const LaunchRecord&) {
    ++starts;
    return FailingWith(kGpuFailed);
  });
  world.Open(1);
  world.RunToEnd();
  EXPECT_EQ(starts, kMostMishaps + 1);
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  EXPECT_THAT(world.store.Trial(1).reason, HasSubstr("11 times in all"));
  EXPECT_TRUE(world.IsAllInUse());
}

TEST(CoreFailureRules, ATrialThatNoneOfItsGpuWouldHoldGoesToALargerOne) {
  std::map<std::int64_t, std::vector<std::string>> places;
  TwoGpus world([&](const LaunchRecord& record) {
    places[record.trial_number].push_back(record.slots.gpus.at(0).uuid);
    return places[record.trial_number].back() == "GPU-small" ? FailingWith(kTooSmall)
                                                             : Lasting(seconds(10));
  });
  world.Open(4);
  world.RunToEnd();
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 4);
  for (const auto& [number, gpus] : places)
    EXPECT_LE(gpus.size(), 2U) << number;
}

TEST(CoreFailureRules, ATrialThatNoGpuWouldHoldHasFailedByItself) {
  int starts = 0;
  TwoGpus world([&](const LaunchRecord&) {
    ++starts;
    return FailingWith(kTooSmall);
  });
  world.Local().facts.gpus.pop_back();
  world.TellDevices("local");
  world.Open(1);
  world.RunToEnd();
  EXPECT_EQ(starts, 1);
  EXPECT_EQ(world.store.CountState(TrialState::kFailed), 1);
  EXPECT_EQ(world.store.Trial(1).failures, 1);
}

// A rule of a spec needs no GPU in the attempt.
TEST(CoreFailureRules, ATrialOnCoresMayBeTriedAgainToo) {
  int starts = 0;
  World world(2, [&](const LaunchRecord&) {
    Script script = Lasting(seconds(10));
    if (++starts == 1) script.exit_code = 1;
    if (starts == 1) script.failure = "license server is busy";
    return script;
  });
  SweepSpec spec = GridOf(1);
  spec.failures = {{"license server is busy", FailureAction::kTryAgain}};
  world.Open(spec);
  world.RunToEnd();
  EXPECT_EQ(starts, 2);
  EXPECT_EQ(world.store.CountState(TrialState::kFinished), 1);
  EXPECT_EQ(world.store.Trial(1).failures, 0);
}

}  // namespace core_failure_rules_test
}  // namespace ddl::test
