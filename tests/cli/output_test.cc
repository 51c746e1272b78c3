// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace output_test {

class Output : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = "/tmp/ddl-output-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string TextOf(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  [[nodiscard]] std::ptrdiff_t Files() const {
    return std::distance(std::filesystem::directory_iterator(folder_), {});
  }

  std::string folder_;
};

TEST_F(Output, ReplacesAFileWhole) {
  const std::string path = folder_ + "/report.xml";
  WriteFileWhole(path, "first, and longer");
  WriteFileWhole(path, "second");
  EXPECT_EQ(TextOf(path), "second");
  EXPECT_EQ(Files(), 1);
}

TEST_F(Output, SaysWhichFileItCannotWrite) {
  try {
    WriteFileWhole(folder_ + "/missing/report.xml", "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.Where(), folder_ + "/missing/report.xml");
    EXPECT_EQ(error.Message(), "cannot write the file: No such file or directory");
    EXPECT_EQ(error.Kind(), ErrorKind::kInfrastructure);
  }
}

TEST_F(Output, LeavesNothingBesideAFileThatCannotBeReplaced) {
  std::filesystem::create_directory(folder_ + "/taken");
  EXPECT_THROW(WriteFileWhole(folder_ + "/taken", "x"), Error);
  EXPECT_EQ(Files(), 1);
}

TEST_F(Output, WritesIntoDevicesAsTheyAre) {
  EXPECT_NO_THROW(WriteFileWhole("/dev/null", "x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(Output, FollowsALinkToItsFile) {
  const std::string file = folder_ + "/file";
  WriteFileWhole(file, "old");
  std::filesystem::create_symlink(file, folder_ + "/link");
  WriteFileWhole(folder_ + "/link", "new");
  EXPECT_EQ(TextOf(file), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/link"));
}

}  // namespace output_test
}  // namespace ddl
