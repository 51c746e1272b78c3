// SPDX-License-Identifier: Apache-2.0
// Every kill point of a small sweep, and kills during the recovery from a kill.
#include "tests/faults/kill_points.h"

namespace ddl {
namespace kill_points_long_test {

TEST_F(KillPoints, OfTheCoordinatorAllOfThem) {
  EachOf(-1, "coordinator", 1, 1);
}

TEST_F(KillPoints, OfTheAgentAllOfThem) {
  EachOf(-1, "agent", 1, 1);
}

TEST_F(KillPoints, OfSupervisorsAllOfThem) {
  for (int supervisor = 1; supervisor <= kTrials; ++supervisor)
    EachOf(-1, "supervisor", supervisor, 2);
}

TEST_F(KillPoints, DuringTheRecoveryFromAKill) {
  tally_ = CountAll();
  for (const char* first : {"coordinator", "agent"}) {
    for (const char* second : {"coordinator", "agent"}) {
      for (long i = 0; i < 20; ++i) {
        for (long j = 0; j < 30; ++j) {
          Begin();
          const Outcome one = KillAt(first, 1 + i * 17);
          const Outcome two = KillAt(second, 1 + j * 11);
          SCOPED_TRACE(std::string(first) + " at " + std::to_string(one.count) + ", then " +
                       second + " at " + std::to_string(two.count));
          GoOn();
          Check(1);
          if (HasFailure()) return;
        }
      }
    }
  }
  AddToFaultTable("coordinator or agent killed, then one of them while it recovers",
                  "SIGKILL at system calls of both; the same command again", tally_);
}

}  // namespace kill_points_long_test
}  // namespace ddl
