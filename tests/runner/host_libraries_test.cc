// SPDX-License-Identifier: Apache-2.0
#include "runner/host_libraries.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "runner/library_question.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace host_libraries_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kName = "libddlnowhere.so.7";

class HostLibraries : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"})
      ::unsetenv(name);
  }
  void TearDown() override { SetUp(); }
  // A file below the test's folder; its whole path.
  [[nodiscard]] std::string Lies(const std::string& path) const {
    fs::create_directories(fs::path(folder_ / path).parent_path());
    std::ofstream(folder_ / path) << "library";
    return folder_ / path;
  }
  TemporaryFolder folder_;
};

TEST_F(HostLibraries, AreLookedForWhereTheEnvironmentOfTrialsSays) {
  EXPECT_THAT(
      LibraryFoldersOf({{"LD_LIBRARY_PATH", "/first"},
                        {"CUDA_PATH", "/opt/c"},
                        {"LD_LIBRARY_PATH", ":/a::/b:"},
                        {"PATH", "/bin"}}),
      ElementsAre("/a", "/b", "/opt/c/lib64", "/opt/c/targets/x86_64-linux/lib", "/opt/c/lib"));
  EXPECT_THAT(LibraryFoldersOf({}), IsEmpty());
}

TEST_F(HostLibraries, AreFoundInTheFoldersThatAreNamedThenInThoseOfTheProcess) {
  const std::string own = Lies("toolkit/lib64/" + std::string(kName));
  const std::string named = Lies("named/" + std::string(kName));
  ::setenv("CUDA_HOME", (folder_ / "toolkit").c_str(), 1);
  EXPECT_THAT(FindHostLibrary(kName, {folder_ / "nowhere", folder_ / "named"}),
              ElementsAre(named, own));
  EXPECT_THAT(FindHostLibrary("libddlelse.so.7", {folder_ / "named"}), IsEmpty());
}

TEST_F(HostLibraries, AreToldOncePerFileAndNeverAsFolders) {
  const std::string path = Lies("a/" + std::string(kName));
  fs::create_directories(folder_ / "b");
  fs::create_symlink(path, fs::path(folder_ / "b") / kName);
  fs::create_directories(fs::path(folder_ / "c") / kName);
  EXPECT_THAT(FindHostLibrary(kName, {folder_ / "c", folder_ / "b", folder_ / "a"}),
              ElementsAre(folder_ / ("b/" + std::string(kName))));
}

TEST_F(HostLibraries, OfTheLoadersCacheAreThoseOfThisArchitecture) {
  const std::string list =
      "3 libs found in cache `/etc/ld.so.cache'\n"
      "\tlibcublasLt.so.13 (libc6,x86-64) => /usr/local/cuda/lib64/libcublasLt.so.13\n"
      "\tlibcublasLt.so.13 (libc6) => /usr/lib32/libcublasLt.so.13\n"
      "\tlibcublasLt.so.12 (libc6,x86-64) => /usr/lib/libcublasLt.so.12\n";
  EXPECT_THAT(PathsInLoaderCache(list, "libcublasLt.so.13"),
              ElementsAre("/usr/local/cuda/lib64/libcublasLt.so.13"));
  EXPECT_THAT(PathsInLoaderCache(list, "libcublasLt.so"), IsEmpty());
}

TEST_F(HostLibraries, TheSystemsOwnAreFoundThroughItsLoadersCache) {
  EXPECT_THAT(FindHostLibrary("libc.so.6", {}), ::testing::Not(IsEmpty()));
}

TEST_F(HostLibraries, AnAnswerTellsWhatWasSentBeforeToo) {
  const std::string path = Lies("there/libddlnowhere.so.7.1.2");
  fs::create_symlink(path, fs::path(folder_ / "there") / kName);
  const std::string tree = "host/store/code/" + std::string(64, 'a') + "/tree/lib/";
  const std::string sent = Lies(tree + kName);
  const std::string linked = "host/store/code/" + std::string(64, 'b') + "/tree/lib/";
  fs::create_directories(folder_ / linked);
  fs::create_symlink(path, fs::path(folder_ / linked) / kName);
  const LibraryQuestion question =
      LibraryQuestionFromJson(ToJsonText(LibraryQuestion{{kName}, {folder_ / "there"}}));
  const auto found = FoundLibrariesFromJson(ToJsonText(FindLibraries(question, folder_ / "host")));
  EXPECT_THAT(found, ElementsAre(FoundLibrary{kName, folder_ / ("there/" + std::string(kName)),
                                              path, false},
                                 FoundLibrary{kName, sent, sent, true}));
  EXPECT_THROW((void)FoundLibrariesFromJson("[{}]"), Error);
  EXPECT_THROW((void)LibraryQuestionFromJson("[]"), Error);
}

}  // namespace host_libraries_test
}  // namespace ddl
