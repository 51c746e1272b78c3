// SPDX-License-Identifier: Apache-2.0
// A thousand stops of trees that do not want to end, with a cgroup and without; a gigabyte of log.
#include "tests/faults/hostile.h"

namespace ddl {
namespace hostile_long_test {

constexpr int kStops = 1000;

TEST_F(Hostile, AThousandStopsLeaveNoSurvivor) {
  for (int stop = 0; stop < kStops && !HasFailure(); ++stop)
    StopOne(kKinds.at(static_cast<std::size_t>(stop) % kKinds.size()), 20ms);
}

TEST_F(HostileWithoutCgroup, AThousandStopsLeaveNoSurvivor) {
  for (int stop = 0; stop < kStops && !HasFailure(); ++stop)
    StopOne(kKinds.at(static_cast<std::size_t>(stop) % kKinds.size()), 20ms);
}

TEST_F(Hostile, AGigabyteWithoutALineFeedIsCountedAndItsEndsAreKept) {
  const ExitRecord exit =
      RunToEnd(Shell(1, "echo begin; head -c 1073741824 /dev/zero; echo; echo end"));
  EXPECT_EQ(exit.log_bytes, (std::int64_t{1} << 30) + 11);
  EXPECT_EQ(exit.log_bytes_dropped, exit.log_bytes - (std::int64_t{64} << 20));
  EXPECT_TRUE(FileOf(1, "log").starts_with("begin\n"));
  EXPECT_TRUE(FileOf(1, "log.tail").ends_with("\nend\n"));
}

}  // namespace hostile_long_test
}  // namespace ddl
