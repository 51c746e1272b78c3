// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/host_cuts.h"

namespace ddl {
namespace {

TEST_F(HostCuts, OfASecondChangeNothing) {
  Run({.name = "a link cut for 1 s"});
}

}  // namespace
}  // namespace ddl
