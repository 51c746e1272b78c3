// SPDX-License-Identifier: Apache-2.0
#include "configs/library_need.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ddl {
namespace library_need_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<LibraryNeed> NeedsIn(const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "ddl-needs-" + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary) << bytes;
  std::vector<LibraryNeed> needs = LibraryNeedsOf(path);
  std::filesystem::remove(path);
  return needs;
}

TEST(LibraryNeed, IsReadAmidTheBytesOfALibrary) {
  const std::string bytes = std::string(
                                "\x7f"
                                "ELF\0\1\2",
                                7) +
                            "ddl needs libcublasLt.so.13 130100;" + std::string(5000, '\0') +
                            "ddl needs libcudnn.so.9 91000;" + "ddl needs libcudnn.so.9 91000;";
  EXPECT_THAT(NeedsIn(bytes), ElementsAre(LibraryNeed{"libcublasLt.so.13", 130100},
                                          LibraryNeed{"libcudnn.so.9", 91000}));
}

TEST(LibraryNeed, IsNothingElse) {
  EXPECT_THAT(LibraryNeedsOf("/nowhere"), IsEmpty());
  for (const char* bytes :
       {"", "ddl needs ", "ddl needs libx.so.1", "ddl needs libx.so.1;", "ddl needs libx.so.1 1x;",
        "ddl needs ../libx.so.1 1;", "ddl needs lib/../../x.so 1;", "ddl needs x 1;"})
    EXPECT_THAT(NeedsIn(bytes), IsEmpty()) << bytes;
}

TEST(LibraryNeed, VersionsAreReadAndWrittenAsTheLibraryTellsThem) {
  EXPECT_EQ(LibraryVersionText(130100), "13.1.0");
  EXPECT_EQ(VersionInFileName("/a/libcublasLt.so.13.1.0.3", "libcublasLt.so.13"), 130100);
  EXPECT_EQ(VersionInFileName("libcublasLt.so.12.9.14", "libcublasLt.so.12"), 120914);
}

TEST(LibraryNeed, ANameWithoutAVersionTellsNone) {
  for (const char* path : {"/a/libcublasLt.so.13", "/a/libcublasLt.so.13.1", "/a/libcublasLt.so",
                           "/a/libcublas.so.13.1.0", "/a/libcublasLt.so.13.x.0", ""})
    EXPECT_EQ(VersionInFileName(path, "libcublasLt.so.13"), std::nullopt) << path;
}

TEST(LibraryNeed, TheCallIsNamedAfterTheLibrary) {
  EXPECT_EQ(VersionCallOf("libcublasLt.so.13"), "cublasLtGetVersion");
  EXPECT_EQ(VersionCallOf("libcudnn.so.9"), "cudnnGetVersion");
}

}  // namespace library_need_test
}  // namespace ddl
