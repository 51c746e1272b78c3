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
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Location : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("DDL_HOME");
    fs::create_directories(folder_.Path() + "/a/b");
  }
  void TearDown() override { fs::current_path(before_); }
  StoreFolder folder_;
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
  unsetenv("DDL_HOME");
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

}  // namespace
}  // namespace ddl
