// SPDX-License-Identifier: Apache-2.0
#include "runner/host_folder.h"

#include <barrier>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/file.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace host_folder_test {

// A file that is replaced twice may have the inode that it had at first.
TEST(EpochMark, NeverComesAgain) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
  std::set<std::uint64_t> marks;
  for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
    ASSERT_TRUE(RaiseEpoch(paths, ReadEpoch(paths), {epoch, "here:/store"}));
    marks.insert(EpochMark(paths));
  }
  EXPECT_EQ(marks.size(), 20);
}

// What an agent launched that went with its link is known by it.
TEST(EpochMark, ChangesWithTheSameCoordinatorToo) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
  const EpochRecord ours{1, "here:/store"};
  ASSERT_TRUE(RaiseEpoch(paths, {}, ours));
  const std::uint64_t before = EpochMark(paths);
  ASSERT_TRUE(RaiseEpoch(paths, ours, ours));
  EXPECT_NE(EpochMark(paths), before);
  EXPECT_EQ(ReadEpoch(paths), ours);
}

TEST(HostFolder, AnEpochThatIsAnotherByNowIsNotReplaced) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
  const EpochRecord first{1, "here:/store"};
  const EpochRecord second{2, "here:/store"};
  ASSERT_TRUE(RaiseEpoch(paths, {}, second));
  EXPECT_FALSE(RaiseEpoch(paths, {}, first));
  EXPECT_EQ(ReadEpoch(paths), second);
}

TEST(HostFolder, AnEpochThatCannotBeReadIsNotZero) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
  EXPECT_FALSE(ReadEpoch(paths).is_unreadable);
  std::filesystem::create_directory(paths.Store() + "/epoch");
  EXPECT_TRUE(ReadEpoch(paths).is_unreadable);
}

// As when a coordinator is killed and the same command is given again: two agents are the first.
TEST(HostFolder, IsClaimedBySeveralAtOnce) {
  const TemporaryFolder folder;
  constexpr int kRounds = 50;
  constexpr std::size_t kAgents = 6;
  for (int round = 0; round < kRounds; ++round) {
    const HostPaths paths{folder / std::to_string(round), "store", {}};
    std::vector<std::string> problems(kAgents);
    std::barrier start(static_cast<std::ptrdiff_t>(kAgents));
    std::vector<std::jthread> agents;
    for (std::string& problem : problems) {
      agents.emplace_back([&] {
        start.arrive_and_wait();
        problem = ClaimHostFolder(paths, "machine");
      });
    }
    agents.clear();
    EXPECT_THAT(problems, testing::Each(""));
    EXPECT_THAT(ListFolder(paths.host_folder), testing::UnorderedElementsAre("host.json", "store"));
  }
}

TEST(HostFolder, IsOfNoMachineThatCannotBeTold) {
  const TemporaryFolder folder;
  const HostPaths paths{folder / "host", "store", {}};
  EXPECT_EQ(ClaimHostFolder(paths, ""), "cannot read /etc/machine-id");
  EXPECT_EQ(ClaimHostFolder(paths, "machine"), "") << "nothing was written for no machine";
  std::filesystem::remove(folder / "host/host.json");
  std::filesystem::create_directory(folder / "host/host.json");
  EXPECT_THAT(ClaimHostFolder(paths, "machine"), testing::StartsWith("cannot read "));
}

}  // namespace host_folder_test
}  // namespace ddl
