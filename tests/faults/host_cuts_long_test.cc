// SPDX-License-Identifier: Apache-2.0
// A host that cannot be reached for seconds and minutes. Trials are as long as is needed for the
// others to have work all the while.
#include "tests/faults/host_cuts.h"

namespace ddl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HostSweep Slow(milliseconds between_reports, double lost_after_s = 1800) {
  return {.trials = 64, .between_reports = between_reports, .lost_after_s = lost_after_s};
}

TEST_F(HostCuts, OfASecond) {
  Run({.name = "a link cut for 1 s", .sweep = Slow(milliseconds(60))});
}

TEST_F(HostCuts, OfHalfAMinute) {
  Run({.name = "a link cut for 30 s", .lasts = seconds(30), .sweep = Slow(milliseconds(500))});
}

TEST_F(HostCuts, OfFiveMinutes) {
  Run({.name = "a link cut for 5 min", .lasts = seconds(300), .sweep = Slow(milliseconds(4500))});
}

TEST_F(HostCuts, OneWayForAMinute) {
  Run({.name = "a one-way cut for 1 min",
       .lasts = seconds(60),
       .is_one_way = true,
       .sweep = Slow(milliseconds(1000))});
}

TEST_F(HostCuts, ForLongerThanItIsWaitedFor) {
  Run({.name = "a link cut for longer than lost_after_s",
       .lasts = seconds(90),
       .sweep = Slow(milliseconds(2000), 20)});
}

}  // namespace
}  // namespace ddl
