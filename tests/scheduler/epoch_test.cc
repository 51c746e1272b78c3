// SPDX-License-Identifier: Apache-2.0
// A host that has seen a later epoch than the database.
#include <gtest/gtest.h>

#include "tests/scheduler/world.h"

namespace ddl::test {
namespace epoch_test {

TEST(Epoch, PassedByAHostLeavesTheJobsOfEarlierEpochsAlone) {
  World world;
  world.Tell(EpochPassed{7});
  world.Settle();
  EXPECT_EQ(world.store.given.epoch, 7U);
  world.store.given.jobs = FirstJobOf(7);  // it fails the test on a job that is not the next one
  world.Open(GridOf(3));
  world.RunToEnd();
  EXPECT_EQ(world.Local().starts, 3);
  for (std::int64_t n = 1; n <= 3; ++n)
    EXPECT_NE(world.store.FindJob(JobId{FirstJobOf(7) + n}), nullptr) << n;
  EXPECT_EQ(world.store.FindJob(JobId{1}), nullptr);
}

}  // namespace epoch_test
}  // namespace ddl::test
