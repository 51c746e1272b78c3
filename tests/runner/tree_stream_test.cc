// SPDX-License-Identifier: Apache-2.0
// Folders in one stream, from the sender's side to the receiver's.
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/tree_receiver.h"
#include "runner/tree_sender.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace tree_stream_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string TextOf(const std::string& path) {
  return ReadFile(path, std::size_t{64} << 20U).value_or("(none)");
}

class TreeStream : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    fs::create_directories(folder_ / "host/job/output/empty");
    fs::create_directories(folder_ / "host/checkpoints");
    fs::create_directories(folder_ / "here");
    Put("job/output/a", "first");
    Put("job/output/run.sh", "#!/bin/sh\n");
    fs::permissions(There("job/output/run.sh"), fs::perms::owner_all);
    Put("job/output/b c\nd", std::string("\0x", 2));
    fs::create_symlink("a", There("job/output/link"));
    ::mkfifo(There("job/output/pipe").c_str(), 0600);
    Put("checkpoints/best", std::string(3'000'000, 'w'));
  }
  std::string There(const std::string& name) const { return folder_ / ("host/" + name); }
  std::string Here(const std::string& name) const { return folder_ / ("here/" + name); }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(There(name), std::ios::binary) << text;
  }

  // Hands over at most `limit` bytes of the stream. What the sender ended with.
  int Send(TreeReceiver& receiver, std::size_t limit = std::size_t(-1)) const {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(::pipe2(to.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
    int code = -1;
    std::thread sender([&, in = FileDescriptor(to[0]), out = FileDescriptor(from[1])] {
      code = SendTree(folder_ / "host", kFolders, in.Get(), out.Get());
    });
    const FileDescriptor ask(to[1]);
    EXPECT_TRUE(WriteAll(ask.Get(), receiver.Had()));
    FileDescriptor answer(from[0]);
    std::array<char, 777> piece{};
    while (limit > 0) {
      const ssize_t got = ::read(answer.Get(), piece.data(), std::min(piece.size(), limit));
      if (got <= 0) break;
      limit -= static_cast<std::size_t>(got);
      if (!receiver.Take({piece.data(), static_cast<std::size_t>(got)})) break;
    }
    answer.Reset();
    sender.join();
    return code;
  }
  TreeReceiver Receiver() const { return {folder_ / "here", folder_ / "note"}; }

  inline static const NamedFolders kFolders{
      {"output", "job/output"}, {"checkpoints", "checkpoints"}, {"more", "job/more"}};
  TemporaryFolder folder_;
};

TEST_F(TreeStream, BringsFilesFoldersAndLinks) {
  TreeReceiver receiver = Receiver();
  EXPECT_EQ(Send(receiver), 0);
  EXPECT_TRUE(receiver.IsWhole()) << receiver.Problem();
  EXPECT_EQ(TextOf(Here("output/a")), "first");
  EXPECT_EQ(TextOf(Here("output/b c\nd")), std::string("\0x", 2));
  EXPECT_EQ(TextOf(Here("checkpoints/best")), std::string(3'000'000, 'w'));
  EXPECT_TRUE(fs::is_directory(Here("output/empty")));
  EXPECT_EQ(fs::read_symlink(Here("output/link")), "a");
  EXPECT_FALSE(fs::exists(Here("output/pipe")));
  EXPECT_FALSE(fs::exists(Here("more")));
  EXPECT_EQ(fs::status(Here("output/run.sh")).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(Here("output/a")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(receiver.Counts().files, 4);
  EXPECT_EQ(receiver.Counts().came, receiver.Counts().bytes);
}

TEST_F(TreeStream, SendsNothingOfAJobThatIsGone) {
  fs::remove_all(There("job"));
  TreeReceiver receiver = Receiver();
  EXPECT_EQ(Send(receiver), 1);
  EXPECT_FALSE(receiver.IsWhole());
}

TEST_F(TreeStream, GoesOnAmidAFile) {
  TreeReceiver cut = Receiver();
  EXPECT_EQ(Send(cut, 2'000'000), 1);
  EXPECT_FALSE(cut.IsWhole());
  TreeReceiver rest = Receiver();
  EXPECT_EQ(Send(rest), 0);
  EXPECT_TRUE(rest.IsWhole()) << rest.Problem();
  EXPECT_LT(rest.Counts().came, 1'010'000);
  EXPECT_EQ(TextOf(Here("checkpoints/best")), std::string(3'000'000, 'w'));
  TreeReceiver again = Receiver();
  EXPECT_EQ(Send(again), 0);
  EXPECT_TRUE(again.IsWhole()) << again.Problem();
  EXPECT_EQ(again.Counts().came, 0);
  EXPECT_EQ(fs::read_symlink(Here("output/link")), "a");
}

TEST_F(TreeStream, BeginsAFileAnewThatChangedInBetween) {
  TreeReceiver cut = Receiver();
  EXPECT_EQ(Send(cut, 2'000'000), 1);
  Put("checkpoints/best", std::string(2'900'000, 'v'));
  TreeReceiver rest = Receiver();
  EXPECT_EQ(Send(rest), 0);
  EXPECT_TRUE(rest.IsWhole()) << rest.Problem();
  EXPECT_EQ(TextOf(Here("checkpoints/best")), std::string(2'900'000, 'v'));
}

TEST_F(TreeStream, WritesNothingOutsideOfItsFolder) {
  for (const std::string name : {"../x", "/tmp/x", "a/../../x", "a//b", "."}) {
    TreeReceiver receiver = Receiver();
    const TreeHead head{.kind = 'f', .path_size = std::ssize(name)};
    EXPECT_FALSE(receiver.Take(TreeHeadLine(head) + name));
    EXPECT_THAT(receiver.Problem(), HasSubstr("outside"));
  }
  // Nor through a link that the host sent before.
  TreeReceiver receiver = Receiver();
  const std::string target = folder_.Path();
  EXPECT_TRUE(receiver.Take(
      TreeHeadLine({.kind = 'd', .path_size = 1}) + "d" +
      TreeHeadLine({.kind = 'l', .size = std::ssize(target), .path_size = 3}) + "d/l" + target));
  EXPECT_TRUE(fs::is_symlink(Here("d/l")));
  TreeReceiver same = Receiver();
  EXPECT_FALSE(receiver.Take(TreeHeadLine({.kind = 'f', .path_size = 5}) + "d/l/x"));
  EXPECT_FALSE(same.Take(TreeHeadLine({.kind = 'l', .size = 1, .path_size = 5}) + "d/l/xy"));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(TreeStream, TakesNothingThatWasNotAskedFor) {
  for (const std::string name : {".of", ".of.aside", "outputs", "checkpoints/best"}) {
    TreeReceiver receiver(folder_ / "here", folder_ / "note", {"output"});
    EXPECT_FALSE(receiver.Take(TreeHeadLine({.kind = 'f', .path_size = std::ssize(name)}) + name));
    EXPECT_THAT(receiver.Problem(), HasSubstr("not asked for"));
  }
  TreeReceiver receiver(folder_ / "here", folder_ / "note", {"output", "checkpoints"});
  EXPECT_TRUE(receiver.Take(TreeHeadLine({.kind = 'd', .path_size = 6}) + "output" +
                            TreeHeadLine({.kind = 'f', .path_size = 8}) + "output/a"));
  EXPECT_EQ(TextOf(Here("output/a")), "");
}

// Who wrote through it, or read that folder, would do so where the host wanted.
TEST_F(TreeStream, MakesNoLinkInThePlaceOfAFolder) {
  TreeReceiver receiver = Receiver();
  const std::string target = folder_.Path();
  EXPECT_TRUE(
      receiver.Take(TreeHeadLine({.kind = 'l', .size = std::ssize(target), .path_size = 6}) +
                    "output" + target + TreeHeadLine({.kind = 'e'})));
  EXPECT_TRUE(receiver.IsWhole());
  EXPECT_FALSE(fs::is_symlink(Here("output")));
}

TEST_F(TreeStream, TakesNoEndForWholeThatIsNone) {
  for (const std::string& text :
       {TreeHeadLine({.kind = 'e', .size = 1, .mtime = 0}), std::string("z 1 2 3 4 5\n"),
        std::string(1000, 'f'), TreeHeadLine({.kind = 'g'}), std::string("f 5 0 0 9 1\na")}) {
    TreeReceiver receiver = Receiver();
    EXPECT_FALSE(receiver.Take(text)) << text;
    EXPECT_FALSE(receiver.IsWhole());
    EXPECT_NE(receiver.Problem(), "");
  }
}

}  // namespace tree_stream_test
}  // namespace ddl
