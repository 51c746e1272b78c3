// SPDX-License-Identifier: Apache-2.0
#include "runner/cgroup.h"

#include <gtest/gtest.h>

namespace ddl {
namespace cgroup_test {

TEST(Cgroup, IsFoundWhereVersionTwoIsMounted) {
  const char* const hybrid =
      "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
      "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(CgroupMount(hybrid), "/sys/fs/cgroup/unified");
  EXPECT_EQ(CgroupMount("26 23 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"),
            "/sys/fs/cgroup");
  EXPECT_EQ(CgroupMount("26 23 0:23 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"), "")
      << "a part of it only: paths would not fit";
  EXPECT_EQ(CgroupMount(""), "");
  EXPECT_EQ(CgroupMount("- cgroup2\n - cgroup2\nx\n"), "");
}

TEST(Cgroup, OfAProcessIsTheLineOfVersionTwo) {
  EXPECT_EQ(CgroupPath("9:name=systemd:/\n4:memory:/a\n0::/user.slice/x\n"), "/user.slice/x");
  EXPECT_EQ(CgroupPath("0::/\n"), "/");
  EXPECT_EQ(CgroupPath("4:memory:/a\n"), "");
  EXPECT_EQ(CgroupPath(""), "");
}

TEST(Cgroup, IsNoneForANameThatIsNoName) {
  EXPECT_FALSE(Cgroup::Make(""));
  EXPECT_FALSE(Cgroup::Make("../up"));
}

}  // namespace cgroup_test
}  // namespace ddl
