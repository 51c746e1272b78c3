// SPDX-License-Identifier: Apache-2.0
#include "runner/host_folder.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace {

// A file that is replaced twice may have the inode that it had at first.
TEST(EpochMark, NeverComesAgain) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
  std::set<std::uint64_t> marks;
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    ASSERT_TRUE(RaiseEpoch(paths, {epoch, "here:/store"}));
    marks.insert(EpochMark(paths));
  }
  EXPECT_EQ(marks.size(), 20);
}

}  // namespace
}  // namespace ddl
