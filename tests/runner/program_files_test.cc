// SPDX-License-Identifier: Apache-2.0
// A program that is taken along with all it needs: which files, and that it starts from them alone.
#include "runner/program_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "runner/command_output.h"
#include "runner/program_start.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace program_files_test {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Pair;

std::string Complaint(const std::string& list) {
  try {
    (void)ListedLibraries(list, "/opt/tool");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ProgramFiles, ReadsWhatTheLoaderLists) {
  EXPECT_THAT(ListedLibraries("\tlinux-vdso.so.1 (0x00007f3e)\n"
                              "\tlibz.so.1 => /lib/my libraries/libz.so.1 (0x00007f3e)\n"
                              "\t/lib64/ld-linux-x86-64.so.2 (0x00007f3e)\n",
                              "/opt/tool"),
              ElementsAre(Pair("libz.so.1", "/lib/my libraries/libz.so.1")));
}

TEST(ProgramFiles, OfALibraryAreApartFromWhatAHostMayHaveItself) {
  const std::string stubs = DDL_BINARY_DIR "/stubs/";
  ::setenv("LD_LIBRARY_PATH", (stubs + "130200").c_str(), 1);
  const LibraryFiles found = FilesOfLibrary(stubs + "gpu/libddl_cuda.so");
  ::unsetenv("LD_LIBRARY_PATH");
  EXPECT_THAT(found.libraries,
              ElementsAre(Pair("lib/libddlstub.so.13", stubs + "130200/libddlstub.so.13")));
  EXPECT_THAT(found.files, Contains(Key("libddl_cuda.so")));
  EXPECT_THAT(found.files, Contains(Key("lib/libc.so.6")));
  EXPECT_THAT(found.files, Contains(Key("lib/librt.so.1"))) << "a host's own may ask for it";
  const LibraryFiles lacking = FilesOfLibrary(stubs + "gpu/libddl_cuda.so");
  EXPECT_THAT(lacking.libraries, ElementsAre(Pair("lib/libddlstub.so.13", "")));
  EXPECT_EQ(lacking.files, found.files);
}

TEST(ProgramFiles, RefusesWhatWouldNotBeFoundOnAnotherHost) {
  EXPECT_THAT(Complaint("\tlibz.so.1 => not found\n"), HasSubstr("is missing: libz.so.1"));
  EXPECT_THAT(Complaint("\t/opt/z/libz.so.1 (0x00007f3e)\n"),
              HasSubstr("by its path: /opt/z/libz.so.1"));
  const TemporaryFolder folder;
  const std::string script = folder / "script";
  std::ofstream(script) << "#!/bin/sh\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_THROW((void)ProgramFiles(script), Error);
}

TEST(ProgramFiles, LeaveToTheHostsFoldersWhatTheyLack) {
  std::vector<std::string> words = StartOfProgram("/tree", "/opt/ddl-trainer");
  std::string other = "PATH=/bin";
  std::string none = "LD_LIBRARY_PATH=";
  AddLibraryFolders({other.data(), none.data(), nullptr}, words);
  EXPECT_EQ(words, StartOfProgram("/tree", "/opt/ddl-trainer"));
  std::string variable = "LD_LIBRARY_PATH=:/driver::/a b;/c:";
  AddLibraryFolders({other.data(), variable.data(), nullptr}, words);
  EXPECT_THAT(words, ElementsAre("/tree/ld-linux-x86-64.so.2", "--library-path",
                                 "/tree/lib:/driver:/a b:/c", "/tree/ddl-trainer"));
  std::vector<std::string> own{"./train", "--library-path", "lib", "x"};
  AddLibraryFolders({variable.data(), nullptr}, own);
  EXPECT_THAT(own, ElementsAre("./train", "--library-path", "lib", "x"));
}

TEST(ProgramFiles, AreAllThatTheProgramNeeds) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto files = ProgramFiles(self);
  EXPECT_THAT(files, Contains(Key(std::filesystem::path(self).filename().string())));
  EXPECT_THAT(files, Contains(Key("ld-linux-x86-64.so.2")));
  EXPECT_THAT(files, Contains(Key("lib/libc.so.6")));
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "lib");
  std::filesystem::create_directory(folder / "hosts");
  for (const auto& [to, from] : files) {
    std::filesystem::copy_file(from, folder / to);
    // What the host has of the same name is broken.
    std::ofstream(folder / ("hosts/" + std::filesystem::path(to).filename().string())) << "none";
  }
  ::setenv("LD_LIBRARY_PATH", (folder / "hosts").c_str(), 1);
  std::vector<std::string> words = StartOfProgram(folder / ".", self);
  std::string variable = "LD_LIBRARY_PATH=" + (folder / "hosts");
  AddLibraryFolders({variable.data(), nullptr}, words);
  words.emplace_back("--gtest_list_tests");
  const CommandOutput said = RunCommand(words, std::chrono::seconds(60), 1'000'000);
  ::unsetenv("LD_LIBRARY_PATH");
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_THAT(said.text, HasSubstr("AreAllThatTheProgramNeeds"));
}

}  // namespace program_files_test
}  // namespace ddl
