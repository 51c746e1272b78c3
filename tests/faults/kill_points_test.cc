// SPDX-License-Identifier: Apache-2.0
// A share of the kill points; kill_points_long_test.cc takes them all.
#include "tests/faults/kill_points.h"

#include "tests/sanitized.h"

namespace ddl {
namespace kill_points_test {

TEST_F(KillPoints, OfTheCoordinatorLoseAndRestartNothing) {
  EachOf(Repeated(120), "coordinator", 1, 1);
}

TEST_F(KillPoints, OfTheAgentLoseAndRestartNothing) {
  EachOf(Repeated(90), "agent", 1, 1);
}

TEST_F(KillPoints, OfASupervisorRestartItsTrialAtMostOnce) {
  EachOf(Repeated(40), "supervisor", 2, 2);
}

}  // namespace kill_points_test
}  // namespace ddl
