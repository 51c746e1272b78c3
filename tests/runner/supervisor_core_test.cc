// SPDX-License-Identifier: Apache-2.0
// What a supervisor decides, on a host that exists in this file alone.
#include "runner/supervisor_core.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace supervisor_core_test {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 100ms
using testing::ElementsAre;
using testing::IsEmpty;

class Host : public SupervisorHost {
 public:
  std::chrono::steady_clock::time_point now{1h};
  std::int64_t unix_ms = 1'700'000'000'000;
  std::vector<std::string> done;
  std::vector<OrderText> orders;
  std::vector<std::string> rung;
  ClaimAnswer claim;
  LeaseAnswer lease;
  StartedTrial started{.pid = 7, .problem = {}};
  bool is_fenced = false;
  bool disk_is_full = false;
  bool disk_is_broken = false;
  bool folder_is_there = true;
  bool has_unwritten = false;
  std::int64_t last_seq = 0;
  std::int64_t unacknowledged = 0;
  std::int64_t memory_kib = 0;
  std::optional<ExitRecord> exit;

 private:
  bool Do(const std::string& what) {
    if (disk_is_full) return false;
    done.push_back(what);
    return true;
  }
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override { return now; }
  [[nodiscard]] std::int64_t UnixMs() const override { return unix_ms; }
  [[nodiscard]] ClaimAnswer Claim() override { return claim; }
  [[nodiscard]] bool HasFolder() const override { return folder_is_there; }
  void WriteBusy(const SlotBusy&) override { done.emplace_back("busy"); }
  void RemoveFolder() override { done.emplace_back("remove folder"); }
  [[nodiscard]] bool WriteStart(pid_t trial) override {
    return Do("start " + std::to_string(trial));
  }
  [[nodiscard]] bool WriteExit(const ExitRecord& record) override {
    if (!Do("exit")) return false;
    exit = record;
    return true;
  }
  [[nodiscard]] std::string Prepare() override { return {}; }
  void RemovePipes() override {}
  [[nodiscard]] OrderAnswer ReadOrder(int number) override {
    if (disk_is_broken) return {.order = std::nullopt, .is_unreadable = true};
    if (number > std::ssize(orders)) return {};
    return {.order = orders[static_cast<std::size_t>(number - 1)]};
  }
  bool Ring(const BellLine& line) override {
    rung.push_back(std::string(1, static_cast<char>(line.news)) + line.text);
    return true;
  }
  [[nodiscard]] bool IsFenced() override { return is_fenced; }
  [[nodiscard]] LeaseAnswer TakeLeases() override { return lease; }
  void ReleaseLeases() override { done.emplace_back("release"); }
  [[nodiscard]] StartedTrial StartTrial() override { return started; }
  void SignalTree(int signal) override { done.push_back("signal " + std::to_string(signal)); }
  void KillTree() override { done.emplace_back("kill"); }
  void EncloseTree() override {}
  [[nodiscard]] std::int64_t TreeMemoryKib() override { return memory_kib; }
  [[nodiscard]] std::int64_t OutOfMemoryKills() override { return 0; }
  void Control(const std::string& line) override { done.push_back("control " + line); }
  void TakeRest() override {}
  [[nodiscard]] bool FlushSpool() override {
    if (!disk_is_full) has_unwritten = false;
    return !disk_is_full;
  }
  [[nodiscard]] std::int64_t LastSeq() const override { return last_seq; }
  [[nodiscard]] bool HasUnwritten() const override { return has_unwritten; }
  [[nodiscard]] std::int64_t UnacknowledgedBytes(std::int64_t) override { return unacknowledged; }
  void Close() override {}
  void DescribeOutput(ExitRecord&) override {}
};

class SupervisorCoreTest : public testing::Test {
 protected:
  void Begin() {
    while (!core_.IsGone() && core_.HasSteps()) {
      (void)core_.Step();
    }
  }
  void RunOn(std::chrono::milliseconds time) {
    host_.now += time;
    core_.Work();
  }
  void End(int status) {
    core_.ProcessEnded(7, status, 0, 0);
    core_.Reaped(true);
    Begin();
  }
  [[nodiscard]] long Count(const std::string& what) const {
    return std::ranges::count(host_.done, what);
  }

  Host host_;
  LaunchRecord launch_{.id = {{1}, 0}, .token = "token", .grace = 200ms};
  SupervisorOptions options_;
  SupervisorCore core_{launch_, options_, host_};
};

TEST_F(SupervisorCoreTest, WritesAndRingsInTheOrderThatOthersRelyOn) {
  Begin();
  End(3 << 8);
  EXPECT_THAT(host_.done, ElementsAre("start 0", "start 7", "exit", "release"));
  EXPECT_THAT(host_.rung, ElementsAre("s", "x"));
  EXPECT_EQ(host_.exit->exit_code, 3);
  EXPECT_TRUE(core_.IsGone());
}

TEST_F(SupervisorCoreTest, LeavesARankAloneThatWasStartedAlready) {
  host_.claim.is_taken = true;
  Begin();
  EXPECT_THAT(host_.done, IsEmpty());
  EXPECT_THAT(host_.rung, IsEmpty());
}

TEST_F(SupervisorCoreTest, SaysWhyItCouldNotBegin) {
  host_.disk_is_full = true;
  Begin();
  EXPECT_THAT(host_.done, ElementsAre("remove folder"));
  EXPECT_THAT(host_.rung, ElementsAre("rtoken its record cannot be written: the disk refuses"));
}

// The record first: an agent that comes after the question finds it.
TEST_F(SupervisorCoreTest, StartsNothingAfterALaterAgentCame) {
  host_.is_fenced = true;
  Begin();
  EXPECT_THAT(host_.done, ElementsAre("start 0", "remove folder"));
  EXPECT_THAT(host_.rung, ElementsAre("rtoken another agent came before it had started"));
  EXPECT_TRUE(core_.IsGone());
}

TEST_F(SupervisorCoreTest, StartsNothingWithoutItsLeases) {
  host_.lease.busy = SlotBusy{};
  Begin();
  EXPECT_THAT(host_.done, ElementsAre("busy"));
  EXPECT_THAT(host_.rung, ElementsAre("b"));
}

TEST_F(SupervisorCoreTest, CountsTheTimeLimitByTheClockThatOnlyGoesForward) {
  launch_.timeout = 10s;
  Begin();
  host_.unix_ms += 86'400'000;
  RunOn(9s);
  EXPECT_EQ(Count("signal 15"), 0);
  host_.unix_ms -= 2 * std::int64_t{86'400'000};
  RunOn(1s);
  EXPECT_EQ(Count("signal 15"), 1);
  End(SIGTERM);
  EXPECT_EQ(host_.exit->cause, EndCause::kTimedOut);
}

TEST_F(SupervisorCoreTest, KillsAfterTheGraceAgainAndAgain) {
  Begin();
  host_.orders = {{OrderKind::kStop, {}}};
  core_.Woken();
  RunOn(199ms);
  EXPECT_EQ(Count("kill"), 0);
  RunOn(1ms);
  RunOn(50ms);
  EXPECT_EQ(Count("kill"), 2);
}

TEST_F(SupervisorCoreTest, ObeysWhatWasOrderedBeforeItBegan) {
  host_.orders = {{OrderKind::kControl, "{}"}, {OrderKind::kKill, {}}};
  Begin();
  EXPECT_EQ(Count("control {}"), 1);
  RunOn(0ms);
  EXPECT_EQ(Count("kill"), 1);
  End(SIGKILL);
  EXPECT_EQ(host_.exit->cause, EndCause::kStopped);
}

TEST_F(SupervisorCoreTest, WaitsWithoutHurryForADiskThatIsFull) {
  Begin();
  host_.disk_is_full = true;
  host_.has_unwritten = true;
  host_.last_seq = 1;
  RunOn(1s);
  EXPECT_GE(core_.TurnWithin(), 100ms) << "it would spin until there is room";
  EXPECT_FALSE(core_.MayRead());
  host_.disk_is_full = false;
  RunOn(100ms);
  EXPECT_THAT(host_.rung, testing::Contains("m"));
}

TEST_F(SupervisorCoreTest, KeepsHowItEndedUntilTheDiskTakesIt) {
  Begin();
  host_.disk_is_full = true;
  core_.ProcessEnded(7, 0, 0, 0);
  core_.Reaped(true);
  EXPECT_GE(core_.Step(), 100ms);
  EXPECT_GE(core_.Step(), 100ms);
  host_.disk_is_full = false;
  Begin();
  EXPECT_TRUE(host_.exit);
}

TEST_F(SupervisorCoreTest, HoldsTheTrialBackWhileItsReportsAreNotTaken) {
  Begin();
  host_.unacknowledged = options_.spool_limit_bytes + 1;
  EXPECT_FALSE(core_.MayRead());
  EXPECT_FALSE(core_.MayRead());
  EXPECT_EQ(std::ranges::count(host_.rung, "ntrial 0 of  waits: its metrics are not taken"), 1);
  host_.unacknowledged = 0;
  EXPECT_TRUE(core_.MayRead());
}

TEST_F(SupervisorCoreTest, GivesNoGraceToATreeThatTakesTooMuchMemory) {
  launch_.slots.memory_mib = 1024;
  Begin();
  host_.memory_kib = 2 * 1024 * 1024;
  RunOn(250ms);
  EXPECT_EQ(Count("kill"), 1);
  End(SIGKILL);
  EXPECT_EQ(host_.exit->cause, EndCause::kOutOfMemory);
  EXPECT_EQ(host_.exit->detail, "2.0 GiB of 1.0 GiB");
}

TEST_F(SupervisorCoreTest, ObeysAnOrderOnceItCanBeRead) {
  Begin();
  host_.orders = {{OrderKind::kStop, {}}};
  host_.disk_is_broken = true;
  core_.Woken();
  EXPECT_EQ(Count("signal 15"), 0);
  EXPECT_LT(core_.TurnWithin(), 1s);
  host_.disk_is_broken = false;
  RunOn(100ms);
  EXPECT_EQ(Count("signal 15"), 1);
}

TEST_F(SupervisorCoreTest, WhatTheHostLacksIsNoFailureOfTheTrial) {
  host_.started = {.pid = -1, .problem = "no more descriptors", .is_hosts_fault = true};
  Begin();
  EXPECT_FALSE(host_.exit);
  EXPECT_THAT(host_.done, testing::Contains("remove folder"));
  EXPECT_THAT(host_.rung, ElementsAre("rtoken no more descriptors"));
}

TEST_F(SupervisorCoreTest, AProgramThatIsNotThereIsOne) {
  host_.started = {.pid = -1, .problem = "no such program"};
  Begin();
  ASSERT_TRUE(host_.exit);
  EXPECT_EQ(host_.exit->cause, EndCause::kCouldNotStart);
}

}  // namespace supervisor_core_test
}  // namespace ddl
