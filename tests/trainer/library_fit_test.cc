// SPDX-License-Identifier: Apache-2.0
// Real libraries that say which version they are.
#include "trainer/cuda/library_fit.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/library_need.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace library_fit_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kStubs = DDL_BINARY_DIR "/stubs/";
const std::string kNeeds = kStubs + "gpu/libddl_cuda.so";

std::string Stub(const std::string& version) {
  return kStubs + version + "/libddlstub.so.13";
}

std::string Complaint(const std::string& path) {
  try {
    (void)FittingVersion(path, kNeeds);
    return {};
  } catch (const Error& error) {
    EXPECT_FALSE(error.Hint().empty());
    return error.Message();
  }
}

TEST(LibraryFit, TakesTheVersionThatIsNeededAndLaterOnes) {
  EXPECT_EQ(FittingVersion(Stub("130100"), kNeeds), 130100);
  EXPECT_EQ(FittingVersion(Stub("130200"), kNeeds), 130200);
}

TEST(LibraryFit, RefusesAnOlderOneWithBothVersions) {
  EXPECT_EQ(Complaint(Stub("130000")), "it is 13.0.0, and 13.1.0 or later is needed");
}

TEST(LibraryFit, ReadsTheNameInFrontOfAnotherEnding) {
  const TrainerFolder folder;
  fs::create_symlink(Stub("130200"), folder.Path() / "libddlstub.so.13.try");
  EXPECT_EQ(FittingVersion(folder.Path() / "libddlstub.so.13.try", kNeeds), 130200);
}

TEST(LibraryFit, RefusesWhatIsNoLibraryOrNotNeeded) {
  const TrainerFolder folder;
  fs::copy_file(DDL_SOURCE_DIR "/README.md", folder.Path() / "libddlstub.so.13");
  EXPECT_THAT(Complaint(folder.Path() / "libddlstub.so.13"), HasSubstr("it cannot be loaded: "));
  EXPECT_EQ(Complaint(kNeeds), "nothing here needs that library");
  fs::create_symlink(kNeeds, folder.Path() / "libddlstub.so.13.1");
  EXPECT_EQ(Complaint(folder.Path() / "libddlstub.so.13.2"),
            "it cannot be loaded: " + (folder.Path() / "libddlstub.so.13.2").string() +
                ": cannot open shared object file: No such file or directory");
}

// Which the real one says of itself, where it is built.
TEST(LibraryFit, LibddlCudaSaysWhatItNeeds) {
  const std::string library = DDL_BINARY_DIR "/libddl_cuda.so";
  if (!fs::exists(library)) GTEST_SKIP() << "libddl_cuda is not built here";
  const auto needs = LibraryNeedsOf(library);
  ASSERT_EQ(needs.size(), 1U);
  EXPECT_THAT(needs[0].name, HasSubstr("libcublasLt.so."));
  EXPECT_GE(needs[0].version, 130000);
}

}  // namespace library_fit_test
}  // namespace ddl
