// SPDX-License-Identifier: Apache-2.0
#include "store/location.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "configs/error.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace location_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Location : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("DDL_HOME");
    fs::create_directories(folder_.Path() + "/a/b");
  }
  void TearDown() override { fs::current_path(before_); }
  SampleStore folder_;
  fs::path before_ = fs::current_path();
};

TEST_F(Location, IsTheNearestFolderAtOrAbove) {
  const fs::path top = fs::canonical(folder_.Path());
  fs::current_path(top / "a/b");
  EXPECT_EQ(FindStoreFolder(""), top / "a/b/.ddl");
  fs::create_directory(top / ".ddl");
  EXPECT_EQ(FindStoreFolder(""), top / ".ddl");
  fs::create_directory(top / "a/.ddl");
  EXPECT_EQ(FindStoreFolder(""), top / "a/.ddl");
}

TEST_F(Location, IsWhatTheOptionElseTheEnvironmentSays) {
  setenv("DDL_HOME", (folder_.Path() + "/home").c_str(), 1);
  EXPECT_EQ(FindStoreFolder(""), folder_.Path() + "/home");
  EXPECT_EQ(FindStoreFolder(folder_.Path() + "/x/../y"), folder_.Path() + "/y");
  EXPECT_EQ(FindStoreFolder(folder_.Path() + "/y/"), folder_.Path() + "/y");
  setenv("DDL_HOME", (folder_.Path() + "/home/").c_str(), 1);
  EXPECT_EQ(FindStoreFolder(""), folder_.Path() + "/home");
  unsetenv("DDL_HOME");
}

bool IsShared(const std::string&) {
  return true;
}

class SharedLocation : public Location {
 protected:
  void SetUp() override {
    Location::SetUp();
    setenv("DDL_LOCAL_STORES", (folder_.Path() + "/local").c_str(), 1);
    named_ = folder_.Path() + "/home/.ddl";
  }
  void TearDown() override {
    unsetenv("DDL_LOCAL_STORES");
    Location::TearDown();
  }
  std::string named_;
};

TEST_F(SharedLocation, PutsTheDatabaseOnThisHostAndSaysSoOnce) {
  const ClaimedStore claimed = ClaimStoreFolder(named_, IsShared);
  EXPECT_THAT(claimed.folder, testing::StartsWith(folder_.Path() + "/local/"));
  EXPECT_THAT(claimed.notice, HasSubstr("the database is in " + claimed.folder));
  EXPECT_EQ(fs::status(claimed.folder).permissions(), fs::perms::owner_all);
  EXPECT_EQ(BackupFolder(claimed.folder), named_ + "/backup");
  EXPECT_EQ(FindStoreFolder(named_, IsShared), claimed.folder);
  const ClaimedStore again = ClaimStoreFolder(named_, IsShared);
  EXPECT_EQ(again.folder, claimed.folder);
  EXPECT_EQ(again.notice, "");
  EXPECT_NE(ClaimStoreFolder(folder_.Path() + "/other/.ddl", IsShared).folder, claimed.folder);
}

TEST_F(SharedLocation, KeepsItsBackupsInTheSharedFolder) {
  const ClaimedStore claimed = ClaimStoreFolder(named_, IsShared);
  {
    Store store = Store::Open(claimed.folder);
    (void)store.Backup();
  }
  EXPECT_TRUE(fs::exists(named_ + "/backup/ddl.db"));
  EXPECT_TRUE(fs::exists(claimed.folder + "/ddl.db"));
  EXPECT_FALSE(fs::exists(named_ + "/ddl.db"));
}

TEST_F(SharedLocation, OfAnotherHostIsToldByName) {
  (void)ClaimStoreFolder(named_, IsShared);
  std::ofstream(named_ + "/store")
      << R"({"host": "box7", "machine_id": "not-ours", "path": "/var/tmp/x"})" << "\n";
  try {
    (void)FindStoreFolder(named_, IsShared);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("on host box7, in /var/tmp/x"));
    EXPECT_THAT(error.what(), HasSubstr("run ddl there"));
  }
  std::ofstream(named_ + "/store") << "[]\n";
  EXPECT_THROW((void)FindStoreFolder(named_, IsShared), Error);
}

TEST_F(SharedLocation, LeavesADatabaseThatIsThereWhereItIs) {
  fs::create_directories(named_);
  std::ofstream(named_ + "/ddl.db") << "";
  EXPECT_EQ(FindStoreFolder(named_, IsShared), named_);
  EXPECT_EQ(ClaimStoreFolder(named_, IsShared).folder, named_);
}

TEST_F(Location, IsLockedByOne) {
  const std::string store = folder_.Path() + "/new/.ddl";
  std::optional<StoreLock> lock = StoreLock::TryTake(store);
  ASSERT_TRUE(lock);
  EXPECT_EQ(fs::status(store).permissions(), fs::perms::owner_all);
  EXPECT_FALSE(StoreLock::TryTake(store));
  EXPECT_THAT(StoreLock::Holder(store), HasSubstr("pid " + std::to_string(getpid())));
  lock.reset();
  EXPECT_TRUE(StoreLock::TryTake(store));
}

TEST_F(Location, ThatCannotBeMadeIsAnErrorWithAWayOut) {
  std::ofstream(folder_.Path() + "/file") << "";
  try {
    (void)StoreLock::TryTake(folder_.Path() + "/file/.ddl");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("--store or DDL_HOME"));
  }
}

}  // namespace location_test
}  // namespace ddl
