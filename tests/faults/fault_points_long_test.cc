// SPDX-License-Identifier: Apache-2.0
// Every system call of a small sweep that can fail, made to fail.
#include "tests/faults/call_faults.h"
#include "tests/faults/fault_points.h"

namespace ddl {
namespace fault_points_long_test {

class AllFaultPoints : public FaultPoints, public ::testing::WithParamInterface<const char*> {};

TEST_P(AllFaultPoints, OfTheCoordinator) {
  EachOf(-1, GetParam(), "coordinator");
}

TEST_P(AllFaultPoints, OfTheAgent) {
  EachOf(-1, GetParam(), "agent");
}

TEST_P(AllFaultPoints, OfSupervisors) {
  for (int supervisor = 1; supervisor <= 2; ++supervisor)
    EachOf(-1, GetParam(), "supervisor", supervisor);
}

INSTANTIATE_TEST_SUITE_P(Of, AllFaultPoints, ::testing::ValuesIn(kCallFaults),
                         [](const auto& fault) { return std::string(fault.param); });

}  // namespace fault_points_long_test
}  // namespace ddl
