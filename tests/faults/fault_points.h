// SPDX-License-Identifier: Apache-2.0
// A small sweep in which one system call of one process fails, or does less than it was asked for.
#pragma once

#include <cstdio>

#include "tests/faults/ledger_sweep.h"
#include "tests/sanitized.h"

namespace ddl {

class FaultPoints : public LedgerSweep {
 protected:
  static constexpr long kNever = 1'000'000'000;

  void SetUp() override {
    if (kIsSanitized)
      GTEST_SKIP() << "the calls of the sanitizer would fail too, and end the process";
    LedgerSweep::SetUp();
  }

  // So many points, evenly spread over the calls of an undisturbed run that the fault can hit; -1
  // takes every one.
  void EachOf(long points, const std::string& fault, const std::string& role, int index = 1) {
    Begin();
    const Outcome undisturbed = Inject(fault, role, kNever, index);
    ASSERT_EQ(undisturbed.what, "ended");
    ASSERT_EQ(undisturbed.ddl.code, 0) << undisturbed.ddl.error;
    ASSERT_GT(undisturbed.count, 0) << "no such call of the " << role << " was seen";
    if (points < 0 || points > undisturbed.count) points = undisturbed.count;
    tally_ = CountAll();
    for (long i = 0; i < points && !IsHopeless(); ++i)
      OnePoint(fault, role, 1 + i * undisturbed.count / points, index);
    std::printf("%s: %ld points of %s %d, of %ld calls\n", fault.c_str(), points, role.c_str(),
                index, undisturbed.count);
    AddToFaultTable(HowItIsCalled(fault) + " in the " + role,
                    "the n-th call that can fail so does; the same command again", tally_);
  }

 private:
  struct Outcome {
    std::string what;
    long count = 0;  // calls that could be hit
    long syscall = -1;
    Finished ddl;
  };

  void OnePoint(const std::string& fault, const std::string& role, long n, int index) {
    Begin();
    const Outcome outcome = Inject(fault, role, n, index);
    SCOPED_TRACE(fault + " in " + role + " " + std::to_string(index) + ", call " +
                 std::to_string(n) + ", number " + std::to_string(outcome.syscall) + "; exit " +
                 std::to_string(outcome.ddl.code) + "\n" + outcome.ddl.error);
    EXPECT_NE(outcome.what, "stuck");
    if (outcome.what == "stuck") {
      ++*tally_.stuck;
      return EndAll();
    }
    if (fault == "interrupted" || fault == "short") {
      EXPECT_EQ(outcome.ddl.code, 0);  // these are no errors
    } else {
      ExpectClearEnd(outcome.ddl);
      GoOn();
    }
    Check(1);
  }

  // It goes on all the same, or says what is wrong, where, and what to do.
  static void ExpectClearEnd(const Finished& ddl) {
    EXPECT_TRUE(ddl.code == 0 || ddl.code == 1 || ddl.code == 2 || ddl.code == 3) << ddl.code;
    EXPECT_TRUE(ddl.code == 0 || !ddl.error.empty()) << "it failed without a word";
    EXPECT_EQ(ddl.error.find("terminate called"), std::string::npos);
  }

  Outcome Inject(const std::string& fault, const std::string& role, long n, int index) {
    const std::string report = folder_ + "/report";
    std::filesystem::remove(report);
    Outcome outcome;
    outcome.ddl = SweepUnder({std::string(DDL_BINARY_DIR) + "/tests/inject_at", fault, role,
                              std::to_string(index), std::to_string(n), report});
    std::ifstream(report) >> outcome.what >> outcome.count >> outcome.syscall;
    return outcome;
  }

  // What is told of one point seldom tells all.
  [[nodiscard]] static bool IsHopeless() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    return test->result()->total_part_count() > 40;
  }

  static std::string HowItIsCalled(const std::string& fault) {
    if (fault == "full") return "no room on the disk";
    if (fault == "broken") return "a broken disk";
    if (fault == "descriptors") return "no more descriptors";
    if (fault == "memory") return "no more memory";
    return fault == "short" ? "short reads and writes" : "interrupted calls";
  }
};

}  // namespace ddl
