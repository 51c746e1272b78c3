// SPDX-License-Identifier: Apache-2.0
// What an agent decides, on a host that exists in this file alone.
#include "runner/agent_core.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/orders.h"

namespace ddl {
namespace agent_core_test {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 100ms

struct Job {
  RankRecord record;
  std::vector<MetricReport> spool;
  int orders = 0;
};

class Host : public AgentHost {
 public:
  std::chrono::steady_clock::time_point now{1h};
  std::vector<FromHost> said;
  std::map<RankId, Job> jobs;
  EpochRecord epoch;
  std::optional<EpochRecord> comes_between;  // written by another agent just before ours writes
  std::uint64_t mark = 1;
  bool disk_is_full = false;
  bool folder_was_removed = false;
  bool spool_fails = false;
  bool folder_is_unreadable = false;
  bool records_are_unreadable = false;
  bool processes_are_hidden = false;
  int woken = 0;
  std::set<std::int64_t> alive;
  std::vector<RankId> started;
  std::set<RankId> settled;
  std::vector<std::string> killed;
  HostFacts facts;
  int looks = 0;
  std::chrono::milliseconds age{0};

  template <class Message>
  [[nodiscard]] std::vector<Message> All() const {
    std::vector<Message> all;
    for (const FromHost& message : said) {
      if (const auto* one = std::get_if<Message>(&message)) all.push_back(*one);
    }
    return all;
  }
  void Run(RankId id, std::int64_t pid) {
    jobs[id].record.start =
        StartRecord{id, "token", {"boot", 100 + id.job.value, 1}, pid, 1'700'000'000'000};
    alive.insert(100 + id.job.value);
  }

 private:
  class Tail : public SpoolTail {
   public:
    Tail(const Host& host, RankId id, std::int64_t after) : host_(host), id_(id), seq_(after) {}
    [[nodiscard]] std::vector<MetricReport> Read() override {
      const auto job = host_.jobs.find(id_);
      if (host_.spool_fails || job == host_.jobs.end()) return {};
      const auto& all = job->second.spool;
      std::vector<MetricReport> rest(all.begin() + seq_, all.end());
      seq_ = std::ssize(all);
      return rest;
    }
    [[nodiscard]] std::int64_t LastSeq() const override { return seq_; }

   private:
    const Host& host_;
    RankId id_;
    std::int64_t seq_;
  };

  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override { return now; }
  void Send(FromHost message) override { said.push_back(std::move(message)); }
  [[nodiscard]] std::size_t BytesToSend() const override { return 0; }
  [[nodiscard]] HostFacts Facts() override { return facts; }
  void LookAgain() override { ++looks; }
  [[nodiscard]] std::string ClaimFolder(const std::string&) override { return {}; }
  [[nodiscard]] std::string Folder() const override { return "/host"; }
  [[nodiscard]] bool OpenBell() override {
    folder_was_removed = false;
    return true;
  }
  [[nodiscard]] bool HasBell() const override { return !folder_was_removed; }
  [[nodiscard]] EpochRecord Epoch() const override { return epoch; }
  [[nodiscard]] bool RaiseEpoch(const EpochRecord& from, const EpochRecord& to) override {
    if (const auto other = std::exchange(comes_between, std::nullopt)) epoch = *other;
    if (disk_is_full || epoch != from) return false;
    epoch = to;
    ++mark;
    return true;
  }
  [[nodiscard]] std::uint64_t EpochMark() const override { return mark; }
  [[nodiscard]] bool HolderMayLive(const std::string&, const std::string&) const override {
    return false;
  }
  [[nodiscard]] std::optional<std::vector<RankId>> Jobs() const override {
    if (folder_is_unreadable) return std::nullopt;
    std::vector<RankId> found;
    for (const auto& [id, job] : jobs) {
      found.push_back(id);
    }
    return found;
  }
  [[nodiscard]] std::string JobFolder(RankId) const override { return "/host/job"; }
  [[nodiscard]] bool HasJob(RankId id) const override { return jobs.contains(id); }
  [[nodiscard]] RankRecord Record(RankId id) const override {
    const auto job = jobs.find(id);
    if (records_are_unreadable) return {.start = {}, .exit = {}, .is_unreadable = true};
    return job == jobs.end() ? RankRecord{} : job->second.record;
  }
  [[nodiscard]] bool IsSettled(RankId) const override { return false; }
  [[nodiscard]] bool Settle(RankId id) override {
    if (!Record(id).exit) return false;
    settled.insert(id);
    return true;
  }
  void SettleLost(RankId id) override { settled.insert(id); }
  [[nodiscard]] std::optional<SlotBusy> TakeBusy(RankId) override { return std::nullopt; }
  [[nodiscard]] bool WriteOrder(const Order& order) override {
    const auto job = jobs.find(order.id);
    if (job == jobs.end()) return false;
    ++job->second.orders;
    return true;
  }
  void WriteAck(RankId, std::int64_t) override {}
  void DeleteSaved(RankId, std::int64_t) override {}
  [[nodiscard]] std::unique_ptr<SpoolTail> OpenSpool(RankId id, std::int64_t after) override {
    return std::make_unique<Tail>(*this, id, after);
  }
  void RemovePipes(RankId) override {}
  [[nodiscard]] FileChunk Get(const GetFile&) override { return {}; }
  [[nodiscard]] PutFileReply Put(const PutFile&) override { return {}; }
  void TakeCode(const ToHost&) override {}
  [[nodiscard]] pid_t StartSupervisor(const LaunchRecord& record, std::uint64_t) override {
    started.push_back(record.id);
    return static_cast<pid_t>(100 + record.id.job.value);
  }
  [[nodiscard]] const std::string& BootId() const override { return boot_id_; }
  [[nodiscard]] std::chrono::milliseconds AgeOf(const ProcessIdentity&) const override {
    return age;
  }
  [[nodiscard]] ProcessLook LookAt(std::int64_t pid) const override {
    if (processes_are_hidden) return {.stat = std::nullopt, .is_refused = true};
    if (!alive.contains(pid)) return {};
    return {.stat = ProcessStat{.pid = pid, .state = 'S', .start_ticks = 1}};
  }
  bool Signal(const ProcessIdentity& process, int) override {
    if (processes_are_hidden || !alive.contains(process.pid)) return false;
    ++woken;
    return true;
  }
  void KillByToken(const std::string& token) override { killed.push_back(token); }
  void AwaitDeath(const ProcessIdentity&) override {}

  std::string boot_id_ = "boot";
};

class AgentCoreTest : public testing::Test {
 protected:
  void SetUp() override { core_.Heard(Hello{"store", 5, false, "here:/store"}); }

  void Launch(std::int64_t job) {
    LaunchRecord record{.id = {{job}, 0}, .token = "token"};
    record.slots.cores = {{0, 0, 1000}};
    core_.Heard(ddl::Launch{record});
  }
  // Nothing comes for so long.
  void Pass(std::chrono::milliseconds time) {
    host_.now += time;
    core_.Work(true);
  }
  void ALaterCoordinatorComes() {
    host_.epoch = {6, "here:/store"};
    ++host_.mark;
  }

  const RankId first_{{1}, 0};
  const RankId second_{{2}, 0};
  Host host_;
  AgentCore core_{host_};
};

TEST_F(AgentCoreTest, StartsWhatIsQueuedWhenTheSlotIsFree) {
  Launch(1);
  Launch(2);
  EXPECT_THAT(host_.started, testing::ElementsAre(first_));
  host_.Run(first_, 7);
  host_.jobs[first_].record.exit = ExitRecord{.id = first_, .token = "token"};
  core_.Rang({News::kExited, first_, {}});
  core_.StartQueued();
  EXPECT_THAT(host_.started, testing::ElementsAre(first_, second_));
}

TEST_F(AgentCoreTest, StartsNothingForACoordinatorThatWasTakenOver) {
  Launch(1);
  Launch(2);
  ALaterCoordinatorComes();
  host_.now += 1s;
  core_.ChildEnded(101);
  core_.StartQueued();
  EXPECT_THAT(host_.started, testing::ElementsAre(first_));
  EXPECT_TRUE(core_.IsOver());
}

TEST_F(AgentCoreTest, DeliversNoWaitingOrderOfACoordinatorThatWasTakenOver) {
  Launch(1);
  core_.Heard(Order{first_, OrderKind::kKill, {}});
  ALaterCoordinatorComes();
  host_.Run(first_, 7);
  Pass(1s);
  EXPECT_EQ(host_.jobs[first_].orders, 0);
  EXPECT_TRUE(core_.IsOver());
}

TEST_F(AgentCoreTest, ALaunchThatEndedWithoutAFolderIsNotStartedByItsCopy) {
  Launch(1);
  core_.ChildEnded(101);  // before it had claimed anything
  ASSERT_EQ(host_.All<Exited>().size(), 1U);
  core_.Heard(Settled{first_});
  Launch(1);
  EXPECT_THAT(host_.started, testing::ElementsAre(first_));
}

// The coordinator has a link to it, and has given ours up.
TEST_F(AgentCoreTest, StartsNothingBesideALaterAgentOfItsCoordinator) {
  Launch(1);
  Launch(2);
  ++host_.mark;
  host_.now += 1s;
  core_.ChildEnded(101);
  core_.StartQueued();
  EXPECT_THAT(host_.started, testing::ElementsAre(first_));
  EXPECT_TRUE(core_.IsOver());
}

TEST_F(AgentCoreTest, OutlivesAMarkThatCannotBeRead) {
  const std::uint64_t mark = host_.mark;
  host_.mark = 0;
  Pass(1s);
  host_.mark = mark;
  Pass(1s);
  EXPECT_FALSE(core_.IsOver());
}

TEST_F(AgentCoreTest, LeavesTheBellToALaterOneWithinALook) {
  ALaterCoordinatorComes();
  Pass(200ms);
  EXPECT_TRUE(core_.IsOver());
}

TEST_F(AgentCoreTest, ReadsASpoolAgainThatCouldNotBeRead) {
  Launch(1);
  host_.Run(first_, 7);
  host_.jobs[first_].spool = {{.seq = 1}, {.seq = 2}};
  host_.jobs[first_].record.exit = ExitRecord{.id = first_, .token = "token", .last_seq = 2};
  host_.spool_fails = true;
  core_.Rang({News::kExited, first_, {}});
  core_.ChildEnded(101);
  Pass(20ms);
  EXPECT_EQ(host_.All<Exited>().size(), 1);
  EXPECT_TRUE(host_.All<Metrics>().empty());
  EXPECT_LT(core_.TurnWithin(), 100ms);
  host_.spool_fails = false;
  Pass(20ms);
  ASSERT_EQ(host_.All<Metrics>().size(), 1);
  EXPECT_EQ(host_.All<Metrics>().front().reports.size(), 2);
}

TEST_F(AgentCoreTest, TellsAStartThatAnotherHeardRung) {
  Launch(1);
  host_.Run(first_, 0);
  Pass(200ms);
  EXPECT_TRUE(host_.All<Started>().empty()) << "its first process is not there yet";
  host_.Run(first_, 7);
  Pass(200ms);
  ASSERT_EQ(host_.All<Started>().size(), 1);
  EXPECT_EQ(host_.All<Started>().front().record.pid, 7);
}

TEST_F(AgentCoreTest, LooksAfterAdoptedRanksOnABusyHost) {
  host_.Run(first_, 7);
  core_.Heard(Adopt{first_, "token", 0, {}});
  host_.alive.clear();
  for (int turn = 0; turn < 30; ++turn) {
    host_.now += 50ms;
    core_.Work(false);
  }
  ASSERT_EQ(host_.All<Exited>().size(), 1);
  EXPECT_EQ(host_.All<Exited>().front().record.cause, EndCause::kSupervisorLost);
}

TEST_F(AgentCoreTest, SettlesWhatHasEndedOrWasKilledButNothingThatLives) {
  const RankId third{{3}, 0};
  host_.Run(first_, 7);
  host_.Run(second_, 8);
  host_.Run(third, 9);
  host_.jobs[first_].record.exit = ExitRecord{.id = first_, .token = "token"};
  host_.alive.erase(host_.jobs[second_].record.start->supervisor.pid);
  for (const RankId id : {first_, second_, third}) {
    core_.Heard(Settled{id});
  }
  Pass(200ms);
  EXPECT_THAT(host_.settled, testing::UnorderedElementsAre(first_, second_));
  EXPECT_THAT(host_.killed, testing::ElementsAre("token")) << "its trial may have outlived it";
  host_.alive.clear();  // the third one's supervisor is killed before it has ended its trial
  Pass(200ms);
  EXPECT_TRUE(host_.settled.contains(third));
  EXPECT_THAT(host_.killed, testing::ElementsAre("token", "token"));
}

TEST_F(AgentCoreTest, WelcomesTheCoordinatorThatAFullDiskKnows) {
  host_.disk_is_full = true;
  AgentCore again(host_);
  again.Heard(Hello{"store", 5, false, "here:/store"});
  EXPECT_FALSE(again.IsOver());
  AgentCore later(host_);
  later.Heard(Hello{"store", 6, false, "here:/store"});
  EXPECT_TRUE(later.IsOver()) << "a fence that cannot be written down is none";
}

TEST_F(AgentCoreTest, TakesARecordThatCannotBeReadForNoEvidence) {
  Launch(1);
  host_.Run(first_, 7);
  host_.jobs[first_].record.exit = ExitRecord{.id = first_, .token = "token", .exit_code = 3};
  host_.records_are_unreadable = true;
  core_.Rang({News::kExited, first_, {}});
  host_.alive.clear();
  core_.ChildEnded(101);
  Pass(1s);
  EXPECT_TRUE(host_.All<Exited>().empty());
  host_.records_are_unreadable = false;
  Pass(200ms);
  ASSERT_EQ(host_.All<Exited>().size(), 1);
  EXPECT_EQ(host_.All<Exited>().front().record.exit_code, 3);
  EXPECT_TRUE(host_.killed.empty());
}

// The simulator's seed 73: the first two of three reads were refused.
TEST_F(AgentCoreTest, KillsNobodyWhoseStartCouldNotBeReadBefore) {
  host_.Run(first_, 7);
  host_.records_are_unreadable = true;
  core_.Heard(Adopt{first_, "token", 0, {}});
  Pass(200ms);
  host_.records_are_unreadable = false;
  Pass(200ms);
  Pass(200ms);
  EXPECT_TRUE(host_.killed.empty());
  EXPECT_TRUE(host_.All<Exited>().empty());
  EXPECT_EQ(host_.All<Started>().size(), 1);
}

TEST_F(AgentCoreTest, GivesUpARecordThatCannotBeReadForHalfAMinute) {
  Launch(1);
  host_.Run(first_, 7);
  host_.records_are_unreadable = true;
  core_.ChildEnded(101);
  Pass(29s);
  EXPECT_TRUE(host_.All<Exited>().empty());
  Pass(2s);
  ASSERT_EQ(host_.All<Exited>().size(), 1);
  EXPECT_EQ(host_.All<Exited>().front().record.cause, EndCause::kSupervisorLost);
}

TEST_F(AgentCoreTest, TakesAProcessThatCannotBeLookedAtForAlive) {
  host_.Run(first_, 7);
  core_.Heard(Adopt{first_, "token", 0, {}});
  host_.processes_are_hidden = true;
  Pass(1s);
  EXPECT_TRUE(host_.All<Exited>().empty());
  host_.alive.clear();
  host_.processes_are_hidden = false;
  Pass(1s);
  EXPECT_EQ(host_.All<Exited>().size(), 1);
}

TEST_F(AgentCoreTest, LosesNoEpochToAnAgentThatWritesAtTheSameMoment) {
  for (const auto& [other, is_welcome] : {std::pair{4U, true}, {9U, false}}) {
    host_.epoch = {3, "here:/store"};
    host_.comes_between = EpochRecord{other, "here:/store"};
    AgentCore again(host_);
    again.Heard(Hello{"store", 5, false, "here:/store"});
    EXPECT_EQ(again.IsOver(), !is_welcome);
    EXPECT_EQ(host_.epoch.epoch, std::max(other, 5U));
  }
}

TEST_F(AgentCoreTest, MakesARemovedFolderAnewButForgetsNoLaterCoordinator) {
  host_.folder_was_removed = true;
  host_.epoch = {};
  Pass(1s);
  EXPECT_EQ(host_.epoch.epoch, 5U);
  EXPECT_FALSE(core_.IsOver());
  host_.folder_was_removed = true;
  host_.epoch = {};
  host_.comes_between = EpochRecord{6, "here:/store"};
  Pass(1s);
  EXPECT_EQ(host_.epoch.epoch, 6U);
  ++host_.mark;
  Pass(1s);
  EXPECT_TRUE(core_.IsOver()) << "the later one has its trials";
}

TEST_F(AgentCoreTest, WelcomesNobodyWithoutKnowingWhatRan) {
  host_.Run(first_, 7);
  for (bool* fault : {&host_.folder_is_unreadable, &host_.records_are_unreadable}) {
    *fault = true;
    AgentCore again(host_);
    again.Heard(Hello{"store", 5, false, "here:/store"});
    EXPECT_TRUE(again.IsOver());
    ASSERT_FALSE(host_.All<Refused>().empty());
    EXPECT_EQ(host_.All<Refused>().back().reason, "cannot read what ran in /host");
    EXPECT_NE(host_.All<Refused>().back().hint, "");
    *fault = false;
  }
}

TEST_F(AgentCoreTest, RecallsWhatWaitsAndNothingThatHasBegun) {
  Launch(1);
  host_.Run(first_, 7);
  Launch(2);  // waits for the slots of the first
  core_.Heard(Recall{first_});
  core_.Heard(Recall{{{2}, 0}});
  Pass(20ms);
  EXPECT_EQ(host_.jobs[first_].orders, 0);
  ASSERT_EQ(host_.All<Exited>().size(), 1U);
  EXPECT_EQ(host_.All<Exited>().back().record.id, (RankId{{2}, 0}));
  EXPECT_EQ(host_.All<Exited>().back().record.cause, EndCause::kStopped);
}

TEST_F(AgentCoreTest, WakesAgainWhomAnOrderDidNotReach) {
  host_.Run(first_, 7);
  core_.Heard(Adopt{first_, "token", 0, {}});
  host_.processes_are_hidden = true;
  core_.Heard(Order{first_, OrderKind::kStop, {}});
  Pass(200ms);
  EXPECT_EQ(host_.woken, 0);
  host_.processes_are_hidden = false;
  Pass(20ms);
  Pass(20ms);
  EXPECT_EQ(host_.woken, 1);
  EXPECT_EQ(host_.jobs[first_].orders, 1) << "written again";
}

TEST_F(AgentCoreTest, WritesNoOrderThatWaitedOnceALaterCoordinatorIsThere) {
  Launch(1);
  core_.Heard(Order{first_, OrderKind::kStop, {}});  // its folder is not there yet
  ALaterCoordinatorComes();
  host_.Run(first_, 7);
  Pass(20ms);
  EXPECT_EQ(host_.jobs[first_].orders, 0);
  EXPECT_TRUE(core_.IsOver());
}

TEST_F(AgentCoreTest, TellsWhenDevicesHaveChanged) {
  const GpuFacts gpu{0, "GPU-1", "H100", 80'000, 12, false};
  Pass(29s);
  EXPECT_EQ(host_.looks, 0);
  Pass(1s);
  EXPECT_EQ(host_.looks, 1);
  HostFacts facts;
  facts.gpus = {gpu};
  facts.gpus[0].used_by_others = true;
  core_.Looked(facts);
  ASSERT_EQ(host_.All<FactsChanged>().size(), 1);
  EXPECT_EQ(host_.All<FactsChanged>().back().facts.folder, "/host");
  Pass(5s);
  EXPECT_EQ(host_.looks, 2) << "somebody may wait for that GPU";
  facts.gpus[0].memory_used_mib = 5;
  core_.Looked(facts);
  core_.Looked({.gpu_note = "nvidia-smi failed (9): timed out"});
  EXPECT_EQ(host_.All<FactsChanged>().size(), 1) << "no news";
  facts.gpus[0].used_by_others = false;
  core_.Looked(facts);
  EXPECT_EQ(host_.All<FactsChanged>().back().facts.gpus, facts.gpus);
}

TEST_F(AgentCoreTest, TellsHowOldARankIsByTheClockThatNobodySets) {
  host_.Run(first_, 7);
  host_.age = 90s;
  core_.Heard(Adopt{first_, "token", 0, {}});
  Pass(200ms);
  ASSERT_EQ(host_.All<Started>().size(), 1);
  EXPECT_EQ(host_.All<Started>()[0].age_ms, 90'000);
}

TEST_F(AgentCoreTest, TellsAStrangersStartOnceItCanBeRead) {
  host_.Run(first_, 7);
  host_.records_are_unreadable = true;
  core_.Rang({News::kStarted, first_, {}});
  EXPECT_TRUE(host_.All<Started>().empty());
  host_.records_are_unreadable = false;
  Pass(200ms);
  Pass(200ms);
  EXPECT_EQ(host_.All<Started>().size(), 1);
}

}  // namespace agent_core_test
}  // namespace ddl
