// SPDX-License-Identifier: Apache-2.0
#include "cli/holder_wait.h"

#include <chrono>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "configs/error.h"
#include "store/location.h"

namespace ddl {
namespace holder_wait_test {

using std::chrono::milliseconds;

TEST(HolderWait, EndsAndNamesTheHolder) {
  std::string folder = testing::TempDir() + "ddl-holder-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto held = StoreLock::TryTake(folder);
  ASSERT_TRUE(held.has_value());
  HolderWait wait(folder, milliseconds(20));
  int pauses = 0;
  try {
    for (;; ++pauses)
      wait.Pause();
  } catch (const Error& error) {
    EXPECT_NE(error.Message().find("in use by pid " + std::to_string(getpid())), std::string::npos)
        << error.Message();
    EXPECT_EQ(error.Where(), folder);
    EXPECT_EQ(error.Kind(), ErrorKind::kInfrastructure);
  }
  EXPECT_GE(pauses, 1);
  EXPECT_LE(pauses, 6) << "1, 2, 4, 8 and 16 ms are more than 20";
  std::filesystem::remove_all(folder);
}

TEST(HolderWait, BeginsAgainWhereSomebodyWasHeardOf) {
  HolderWait wait("/nowhere", milliseconds(0));
  EXPECT_THROW(wait.Pause(), Error);
  HolderWait longer("/nowhere", std::chrono::hours(1));
  longer.Pause();
  longer.BeginAgain();
  longer.Pause();
}

}  // namespace holder_wait_test
}  // namespace ddl
