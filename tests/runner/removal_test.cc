// SPDX-License-Identifier: Apache-2.0
#include "runner/removal.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace removal_test {

namespace fs = std::filesystem;

class Removal : public ::testing::Test {
 protected:
  void Make(const std::string& folder) const {
    fs::create_directories(paths_.Store() + "/" + folder + "/deep");
    std::ofstream(paths_.Store() + "/" + folder + "/deep/file") << std::string(10'000, 'x');
  }
  [[nodiscard]] bool Exists(const std::string& folder) const {
    return fs::exists(paths_.Store() + "/" + folder);
  }
  [[nodiscard]] FolderFate Fate(const std::string& folder) const {
    return FateOf(paths_.Store() + "/" + folder);
  }

  TemporaryFolder folder_;
  HostPaths paths_{folder_.Path(), "store", {}};
};

TEST_F(Removal, RemovesAndRemembers) {
  Make("jobs/41.0");
  Make("jobs/1.0");
  ASSERT_TRUE(SetAside(paths_, "jobs/41.0"));
  EXPECT_FALSE(Exists("jobs/41.0"));
  ASSERT_TRUE(RemoveAside(paths_, "jobs/41.0"));
  EXPECT_EQ(Fate("jobs/41.0"), FolderFate::kRemoved);
  EXPECT_EQ(Fate("jobs/1.0"), FolderFate::kThere);
  EXPECT_EQ(Fate("jobs/4.0"), FolderFate::kGone);  // no part of a name counts
  EXPECT_EQ(SizeOf(paths_.Store() + "/removing").files, 0);
}

TEST_F(Removal, PutsBackAlsoOverAnEmptyFolderButNeverOverAFullOne) {
  Make("checkpoints/trial-7");
  ASSERT_TRUE(SetAside(paths_, "checkpoints/trial-7"));
  fs::create_directories(paths_.Store() + "/checkpoints/trial-7");  // by a supervisor just now
  ASSERT_TRUE(PutBack(paths_, "checkpoints/trial-7"));
  EXPECT_TRUE(Exists("checkpoints/trial-7/deep/file"));

  ASSERT_TRUE(SetAside(paths_, "checkpoints/trial-7"));
  fs::create_directories(paths_.Store() + "/checkpoints/trial-7/new");
  EXPECT_FALSE(PutBack(paths_, "checkpoints/trial-7"));
  EXPECT_TRUE(Exists("checkpoints/trial-7/new"));
}

TEST_F(Removal, AKillBeforeTheDecisionLosesNothing) {
  Make("checkpoints/trial-7");
  ASSERT_TRUE(SetAside(paths_, "checkpoints/trial-7"));
  FinishRemovals(paths_);
  EXPECT_TRUE(Exists("checkpoints/trial-7/deep/file"));
}

TEST_F(Removal, AKillAfterTheDecisionIsFinished) {
  Make("jobs/9.0");
  ASSERT_TRUE(SetAside(paths_, "jobs/9.0"));
  fs::rename(paths_.Store() + "/removing/jobs/9.0", paths_.Store() + "/removing/jobs/9.0.decided");
  FinishRemovals(paths_);
  EXPECT_FALSE(Exists("jobs/9.0"));
  EXPECT_FALSE(Exists("removing/jobs/9.0.decided"));
}

TEST_F(Removal, HasOneHolderAtATime) {
  EXPECT_FALSE(LockForRemoval(paths_)) << "there is no folder";
  fs::create_directories(paths_.Store());
  {
    const auto lock = LockForRemoval(paths_);
    EXPECT_TRUE(lock);
    EXPECT_FALSE(LockForRemoval(paths_));
  }
  EXPECT_TRUE(LockForRemoval(paths_));
}

TEST_F(Removal, MeasuresAndFollowsNoLinks) {
  Make("jobs/1.0");
  fs::create_directory_symlink(paths_.Store() + "/jobs/1.0", paths_.Store() + "/link");
  EXPECT_EQ(SizeOf(paths_.Store() + "/jobs/1.0").files, 1);
  EXPECT_GE(SizeOf(paths_.Store() + "/jobs/1.0").bytes, 10'000);
  EXPECT_EQ(SizeOf(paths_.Store() + "/link").bytes, 0);
  EXPECT_EQ(SizeOf(paths_.Store() + "/nothing"), FolderSize{});
}

TEST_F(Removal, TellsOtherStoresAndWhetherTheyAreGone) {
  Make("jobs/1.0");
  fs::create_directories(folder_.Path() + "/no-store");
  const std::string hostname = ReadHostFacts().hostname;
  const std::string home = folder_.Path() + "/home";
  for (const char* name : {"a", "b", "c"}) {
    fs::create_directories(folder_.Path() + "/" + name + "/jobs");
  }
  fs::create_directory(home);
  std::ofstream(home + "/ddl.db") << "x";
  ASSERT_TRUE(RaiseEpoch({folder_.Path(), "a", {}}, {}, {1, hostname + ":" + home}));
  ASSERT_TRUE(RaiseEpoch({folder_.Path(), "b", {}}, {}, {1, hostname + ":" + home + "-gone"}));
  const auto others = OtherStores(paths_);
  ASSERT_EQ(others.size(), 3U);
  EXPECT_FALSE(others[0].is_orphaned);
  EXPECT_TRUE(others[1].is_orphaned);
  EXPECT_EQ(others[1].holder, hostname + ":" + home + "-gone");
  EXPECT_FALSE(others[2].is_orphaned) << "nothing says whose it is";
}

}  // namespace removal_test
}  // namespace ddl
