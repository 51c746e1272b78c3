// SPDX-License-Identifier: Apache-2.0
// A share of the system calls that can fail; fault_points_long_test.cc takes them all.
#include "tests/faults/fault_points.h"

#include "tests/faults/call_faults.h"

namespace ddl {
namespace fault_points_test {

class SomeFaultPoints : public FaultPoints, public ::testing::WithParamInterface<const char*> {};

TEST_P(SomeFaultPoints, OfTheCoordinator) {
  EachOf(8, GetParam(), "coordinator");
}

TEST_P(SomeFaultPoints, OfTheAgent) {
  EachOf(8, GetParam(), "agent");
}

TEST_P(SomeFaultPoints, OfASupervisor) {
  EachOf(8, GetParam(), "supervisor");
}

INSTANTIATE_TEST_SUITE_P(Of, SomeFaultPoints, ::testing::ValuesIn(kCallFaults),
                         [](const auto& fault) { return std::string(fault.param); });

}  // namespace fault_points_test
}  // namespace ddl
