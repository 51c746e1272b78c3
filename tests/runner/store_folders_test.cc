// SPDX-License-Identifier: Apache-2.0
#include "runner/store_folders.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace store_folders_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

const std::string kCode(64, 'a');

class StoreFolders : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    for (const std::string folder : {"jobs/1.0", "jobs/2.0", "checkpoints/trial-1"})
      fs::create_directories(Path(folder));
    fs::create_directories(Path("code/" + kCode));
    std::ofstream(Path("jobs/1.0/settled.json")) << "{}\n{}\n";
    std::ofstream(Path("checkpoints/trial-1/model")) << "model";
  }
  std::string Path(const std::string& name) const { return paths_.Store() + "/" + name; }

  // What is answered to these lines.
  std::vector<std::string> Answers(const std::string& orders) const {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(::pipe2(to.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
    EXPECT_TRUE(WriteAll(to[1], orders));
    ::close(to[1]);
    const FileDescriptor in(to[0]);
    FileDescriptor out(from[1]);
    EXPECT_EQ(ObeyRemovals(paths_, in.Get(), out.Get()), 0);
    out.Reset();
    return Lines(FileDescriptor(from[0]));
  }
  static std::vector<std::string> Lines(const FileDescriptor& file) {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = ::read(file.Get(), piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<std::size_t>(got));
    std::vector<std::string> lines;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
      lines.push_back(text.substr(0, end));
    return lines;
  }

  TemporaryFolder folder_;
  HostPaths paths_{folder_.Path(), "store", {}};
};

TEST_F(StoreFolders, AreListedWithTheirSizes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  EXPECT_EQ(ListFolders(paths_, ends[1]), 0);
  ::close(ends[1]);
  const std::vector<std::string> lines = Lines(FileDescriptor(ends[0]));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines.back(), "end");
  const auto first = ParseFolderLine(lines[0]);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->name, "jobs/1.0");
  EXPECT_TRUE(first->is_settled);
  EXPECT_EQ(first->size, SizeOf(Path("jobs/1.0")));
  EXPECT_FALSE(ParseFolderLine(lines[1])->is_settled);
  EXPECT_EQ(ParseFolderLine(lines[3])->name, "code/" + kCode);
}

TEST_F(StoreFolders, LinesOfStrangersAreRefused) {
  for (const char* line :
       {"", "1", "1 2 0 4", "1 2 0 4 ", "1 2 0 4 jobs/../x", "1 2 0 4 jobs/", "-1 2 0 4 jobs/1.0",
        "1 2 0 4 other/1.0", "1 2 0 4 jobs/.x", "99999999999999999999 2 0 4 jobs/1.0"})
    EXPECT_FALSE(ParseFolderLine(line)) << line;
}

TEST_F(StoreFolders, AreSetAsideThenRemovedOrPutBack) {
  EXPECT_THAT(Answers("aside jobs/1.0\nremove jobs/1.0\naside checkpoints/trial-1\n"
                      "back checkpoints/trial-1\naside code/" +
                      kCode + "\nremove code/" + kCode + "\n"),
              ElementsAre("ready", "done", "done", "done", "done", "done", "done"));
  EXPECT_FALSE(fs::exists(Path("jobs/1.0")));
  EXPECT_EQ(FateOf(Path("jobs/1.0")), FolderFate::kRemoved);
  EXPECT_TRUE(fs::exists(Path("checkpoints/trial-1/model")));
  EXPECT_FALSE(fs::exists(Path("code/" + kCode)));
}

TEST_F(StoreFolders, WhatWasNotDecidedComesBackWhenTheCommandIsCutOff) {
  EXPECT_THAT(Answers("aside checkpoints/trial-1\n"), ElementsAre("ready", "done"));
  EXPECT_TRUE(fs::exists(Path("checkpoints/trial-1/model")));
}

TEST_F(StoreFolders, NothingElseIsObeyed) {
  EXPECT_THAT(Answers("aside jobs/9.0\naside ../x\nremove jobs/1.0\nburn jobs/1.0\naside\n\n"),
              ElementsAre("ready", "gone", "refused", "refused", "refused", "refused", "refused"));
  EXPECT_TRUE(fs::exists(Path("jobs/1.0/settled.json")));
}

TEST_F(StoreFolders, OneAtATime) {
  const auto held = LockForRemoval(paths_);
  EXPECT_THAT(Answers("aside jobs/1.0\n"), ElementsAre("busy"));
  EXPECT_TRUE(fs::exists(Path("jobs/1.0")));
}

}  // namespace store_folders_test
}  // namespace ddl
