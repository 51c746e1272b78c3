// SPDX-License-Identifier: Apache-2.0
#include "runner/rank_record.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runner/orders.h"
#include "runner/process.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace rank_record_test {

LaunchRecord SomeLaunch() {
  return {.id = {{7}, 0}, .token = "token-7"};
}

ExitRecord SomeExit() {
  return {.id = {{7}, 0}, .token = "token-7", .cause = EndCause::kExited, .exit_code = 3};
}

TEST(RankRecord, TellsTokenAndSupervisorBeforeTheTrialStarts) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(0));
  const RankRecord record = ReadRankRecord(folder.Path());
  ASSERT_TRUE(record.start);
  EXPECT_EQ(record.start->token, "token-7");
  EXPECT_EQ(record.start->supervisor.pid, getpid());
  EXPECT_TRUE(IsAlive(record.start->supervisor));
  EXPECT_EQ(record.start->pid, 0);
  EXPECT_FALSE(record.exit);
}

TEST(RankRecord, KeepsTheStartBesideTheExit) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(0));
  ASSERT_TRUE(file.WriteStart(12345));
  ASSERT_TRUE(file.WriteExit(SomeExit()));
  EXPECT_NE(access((folder / "start.json").c_str(), F_OK), 0);
  const RankRecord record = ReadRankRecord(folder.Path());
  ASSERT_TRUE(record.start);
  EXPECT_EQ(record.start->pid, 12345);
  ASSERT_TRUE(record.exit);
  EXPECT_EQ(record.exit->exit_code, 3);
  EXPECT_FALSE(IsSettled(folder.Path()));
  EXPECT_TRUE(SettleRankRecord(folder.Path()));
  EXPECT_TRUE(IsSettled(folder.Path()));
}

TEST(RankRecord, SettlesWhatWasKilledWithItsSupervisorByTheStart) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(12345));
  EXPECT_FALSE(SettleRankRecord(folder.Path()));
  EXPECT_FALSE(IsSettled(folder.Path()));
  SettleLostRank(folder.Path());
  EXPECT_TRUE(IsSettled(folder.Path()));
}

// A supervisor that dies between its last write and the rename has told nothing.
TEST(RankRecord, AnExitCountsOnlyOnceItIsRenamed) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(1));
  std::ofstream(folder / "start.json", std::ios::app) << R"({"job": 7, "rank": 0, "cau)";
  EXPECT_TRUE(ReadRankRecord(folder.Path()).start);
  EXPECT_FALSE(ReadRankRecord(folder.Path()).exit);
  ASSERT_TRUE(file.WriteExit(SomeExit())) << "written over what a full disk had cut";
  EXPECT_EQ(ReadRankRecord(folder.Path()).exit->exit_code, 3);
}

// The disk refuses all that is written for as long as it lives.
class NoRoom {
 public:
  NoRoom() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    struct rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;
  ~NoRoom() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_{};
};

TEST(RankRecord, AnExitIsWholeWithoutThePid) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(0));
  {
    const NoRoom none;
    EXPECT_FALSE(file.WriteStart(1'000'000));
    EXPECT_FALSE(file.WriteExit(SomeExit()));
  }
  EXPECT_EQ(ReadRankRecord(folder.Path()).start->pid, 0);
  ASSERT_TRUE(file.WriteExit(SomeExit()));
  const RankRecord record = ReadRankRecord(folder.Path());
  ASSERT_TRUE(record.exit);
  EXPECT_EQ(record.start->pid, 1'000'000);
}

TEST(RankRecord, DamageIsNoRecord) {
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadRankRecord(folder.Path()).start);
  for (const char* text : {"", "\n", "{}\n{}\n", "\xff\n\xff", R"({"job": 1)"}) {
    std::ofstream(folder / "exit.json") << text;
    EXPECT_FALSE(ReadRankRecord(folder.Path()).start) << text;
    EXPECT_FALSE(ReadRankRecord(folder.Path()).exit) << text;
  }
}

TEST(RankRecord, OfOneThatIsTooLargeTheStartIsTold) {
  const TemporaryFolder folder;
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(12345));
  ASSERT_TRUE(file.WriteExit(SomeExit()));
  std::ofstream(folder / "exit.json", std::ios::app) << std::string(std::size_t{17} << 20U, 'x');
  const RankRecord record = ReadRankRecord(folder.Path());
  EXPECT_FALSE(record.is_unreadable) << "it would be looked at again for ever";
  EXPECT_FALSE(record.exit);
  ASSERT_TRUE(record.start);
  EXPECT_EQ(record.start->pid, 12345);
}

TEST(Orders, LieThereInOrder) {
  const TemporaryFolder folder;
  EXPECT_FALSE(WriteOrder(folder / "gone", OrderKind::kStop, {}));
  EXPECT_TRUE(WriteOrder(folder.Path(), OrderKind::kControl, "{}"));
  EXPECT_TRUE(WriteOrder(folder.Path(), OrderKind::kStop, {}));
  EXPECT_EQ(ParseOrder(ReadFile(folder / "order.1").value()),
            (OrderText{OrderKind::kControl, "{}"}));
  EXPECT_EQ(ParseOrder(ReadFile(folder / "order.2").value()), (OrderText{OrderKind::kStop, {}}));
}

TEST(Orders, WakeWhomTheRecordNames) {
  const TemporaryFolder folder;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kWakeSignal);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(1));
  EXPECT_TRUE(SendSignal(ReadRankRecord(folder.Path()).start->supervisor, kWakeSignal));
  int number = 0;
  ASSERT_EQ(sigwait(&set, &number), 0);
  EXPECT_EQ(number, kWakeSignal);
}

TEST(Orders, AnAcknowledgementIsANumber) {
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadAck(folder.Path()));
  PostAck(folder.Path(), 41);
  PostAck(folder.Path(), 1'000'000'000'000);
  EXPECT_EQ(ReadAck(folder.Path()), 1'000'000'000'000);
  std::ofstream(folder / "ack") << "cut";
  EXPECT_FALSE(ReadAck(folder.Path()));
}

// As with a broken disk: something is there, and what it says cannot be told.
TEST(RankRecord, WhatCannotBeReadMayBeThere) {
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadRankRecord(folder.Path()).is_unreadable);
  EXPECT_FALSE(ReadRankRecord(folder / "gone").is_unreadable);
  RankRecordFile file(SomeLaunch(), folder.Path());
  ASSERT_TRUE(file.WriteStart(1));
  std::filesystem::create_directory(folder / "exit.json");
  EXPECT_TRUE(ReadRankRecord(folder.Path()).is_unreadable);
}

}  // namespace rank_record_test
}  // namespace ddl
