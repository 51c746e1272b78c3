// SPDX-License-Identifier: Apache-2.0
// A small sweep, one process of which is killed at its N-th system call.
#pragma once

#include <cstdio>

#include "tests/faults/ledger_sweep.h"

namespace ddl {

class KillPoints : public LedgerSweep {
 protected:
  static constexpr long kNever = 1'000'000'000;

  // So many points, evenly spread over all system calls of an undisturbed run; -1 takes every one.
  void EachOf(long points, const std::string& role, int index, int attempts_allowed) {
    Begin();
    const Outcome undisturbed = KillAt(role, kNever, index);
    ASSERT_FALSE(undisturbed.killed);
    ASSERT_GT(undisturbed.count, 0) << "no " << role << " was seen";
    if (points < 0) points = undisturbed.count;
    tally_ = CountAll();
    for (long i = 0; i < points && !HasFailure(); ++i) {
      const long n = 1 + i * undisturbed.count / points;
      Begin();
      const Outcome outcome = KillAt(role, n, index);
      SCOPED_TRACE(role + " " + std::to_string(index) + ", system call " + std::to_string(n) +
                   " of " + std::to_string(undisturbed.count) + ", number " +
                   std::to_string(outcome.syscall));
      GoOn();
      Check(attempts_allowed);
    }
    std::printf("%ld points of %s %d, of %ld system calls\n", points, role.c_str(), index,
                undisturbed.count);
    AddToFaultTable(role + " killed", "SIGKILL at its n-th system call; the same command again",
                    tally_);
  }

  struct Outcome {
    bool killed = false;
    long count = 0;  // system calls that were seen
    long syscall = -1;
  };
  // Runs the sweep until the kill, or to its end.
  Outcome KillAt(const std::string& role, long n, int index = 1) {
    const std::string report = folder_ + "/report";
    std::filesystem::remove(report);
    (void)SweepUnder({std::string(DDL_BINARY_DIR) + "/tests/kill_at", role, std::to_string(index),
                      std::to_string(n), report});
    Outcome outcome;
    std::string what;
    std::ifstream(report) >> what >> outcome.count >> outcome.syscall;
    outcome.killed = what == "killed";
    EXPECT_TRUE(outcome.killed || what == "ended") << "no report: " << what;
    return outcome;
  }
};

}  // namespace ddl
