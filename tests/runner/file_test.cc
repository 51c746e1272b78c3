// SPDX-License-Identifier: Apache-2.0
#include "runner/file.h"

#include <cerrno>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace file_test {

using ::testing::UnorderedElementsAre;

bool IsOpen(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

TEST(FileDescriptor, ClosesWhatItOwnsOnceAndOnly) {
  int first = -1;
  int second = -1;
  {
    FileDescriptor a = OpenFile("/dev/null", O_RDONLY);
    FileDescriptor b = OpenFile("/dev/null", O_RDONLY);
    first = a.Get();
    second = b.Get();
    a = std::move(b);
    EXPECT_FALSE(IsOpen(first));
    EXPECT_TRUE(IsOpen(second));
  }
  EXPECT_FALSE(IsOpen(second));
}

TEST(FileDescriptor, LetsGoOnRelease) {
  FileDescriptor file = OpenFile("/dev/null", O_RDONLY);
  const int descriptor = file.Release();
  file.Reset();
  EXPECT_TRUE(IsOpen(descriptor));
  ::close(descriptor);
}

TEST(FileDescriptor, ClosesOnExec) {
  const FileDescriptor file = OpenFile("/dev/null", O_RDONLY);
  EXPECT_EQ(::fcntl(file.Get(), F_GETFD), FD_CLOEXEC);
}

// As /proc gives a long file: a little at a time.
TEST(File, ReadsWhatComesInManySmallPiecesIntoLittleRoom) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  constexpr int kPieces = 60;  // room that doubled with each would be beyond any memory
  std::thread writer([&] {
    const FileDescriptor pipe = OpenFile(folder / "pipe", O_WRONLY);
    for (int piece = 0; piece < kPieces; ++piece) {
      EXPECT_TRUE(WriteAll(pipe.Get(), "x"));
      int unread = 1;
      while (unread > 0 && ::ioctl(pipe.Get(), FIONREAD, &unread) == 0)
        std::this_thread::yield();
    }
  });
  EXPECT_EQ(ReadFile(folder / "pipe"), std::string(kPieces, 'x'));
  writer.join();
}

TEST(File, ReadsBackWhatWasWrittenAtomically) {
  const TemporaryFolder folder;
  std::string text(300'000, 'x');
  text[7] = '\0';
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "short"));
  EXPECT_EQ(ReadFile(folder / "a"), "short");
  ASSERT_TRUE(WriteFileAtomically(folder / "a", text, Durability::kPower));
  EXPECT_EQ(ReadFile(folder / "a"), text);
  EXPECT_THAT(ListFolder(folder.Path()), UnorderedElementsAre("a"));
}

TEST(File, KeepsTheOldTextWhenTheNewOneCannotBeWritten) {
  const TemporaryFolder folder;
  ASSERT_TRUE(EnsureFolder(folder / "taken"));
  ASSERT_TRUE(WriteFileAtomically(folder / "taken/file", "old"));
  EXPECT_FALSE(WriteFileAtomically(folder / "taken", "new"));
  EXPECT_EQ(errno, EISDIR);
  EXPECT_EQ(ReadFile(folder / "taken/file"), "old");
  EXPECT_THAT(ListFolder(folder.Path()), UnorderedElementsAre("taken"));
}

TEST(File, WritesNothingThroughALinkThatWasPutInItsWay) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "precious", "kept"));
  ASSERT_EQ(::symlink((folder / "precious").c_str(), (folder / "a.aside").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "new"));
  EXPECT_EQ(ReadFile(folder / "a"), "new");
  EXPECT_EQ(ReadFile(folder / "precious"), "kept");
  EXPECT_THAT(ListFolder(folder.Path()), UnorderedElementsAre("precious", "a"));
}

TEST(File, TellsAnAbsentFileFromATooLargeOne) {
  const TemporaryFolder folder;
  EXPECT_EQ(ReadFile(folder / "none"), std::nullopt);
  EXPECT_EQ(errno, ENOENT);
  ASSERT_TRUE(WriteFileAtomically(folder / "big", std::string(101, 'x')));
  EXPECT_EQ(ReadFile(folder / "big", 100), std::nullopt);
  EXPECT_EQ(errno, EFBIG);
}

TEST(File, TakesAFolderThatIsThereButNoFileOrLink) {
  const TemporaryFolder folder;
  EXPECT_TRUE(EnsureFolder(folder / "a"));
  EXPECT_TRUE(EnsureFolder(folder / "a"));
  ASSERT_TRUE(WriteFileAtomically(folder / "file", ""));
  EXPECT_FALSE(EnsureFolder(folder / "file"));
  ASSERT_EQ(::symlink((folder / "a").c_str(), (folder / "link").c_str()), 0);
  EXPECT_FALSE(EnsureFolder(folder / "link"));
}

TEST(File, RemovesATreeButNotWhatLinksPointTo) {
  const TemporaryFolder folder;
  ASSERT_TRUE(EnsureFolder(folder / "tree"));
  ASSERT_TRUE(EnsureFolder(folder / "tree/below"));
  ASSERT_TRUE(EnsureFolder(folder / "kept"));
  ASSERT_TRUE(WriteFileAtomically(folder / "kept/file", "precious"));
  ASSERT_EQ(::symlink((folder / "kept").c_str(), (folder / "tree/below/link").c_str()), 0);
  EXPECT_TRUE(RemoveTree(folder / "tree"));
  EXPECT_TRUE(RemoveTree(folder / "tree"));
  EXPECT_THAT(ListFolder(folder.Path()), UnorderedElementsAre("kept"));
  EXPECT_EQ(ReadFile(folder / "kept/file"), "precious");
}

TEST(File, ReadsAndWritesAllAtAPlace) {
  const TemporaryFolder folder;
  const FileDescriptor file = OpenFile(folder / "file", O_RDWR | O_CREAT);
  ASSERT_TRUE(WriteAllAt(file.Get(), "abcdef", 0));
  ASSERT_TRUE(WriteAllAt(file.Get(), "XY", 2));
  std::string text(4, '.');
  EXPECT_EQ(ReadAllAt(file.Get(), text, 1), 4);
  EXPECT_EQ(text, "bXYe");
  EXPECT_EQ(ReadAllAt(file.Get(), text, 4), 2) << "no more is there";
  EXPECT_EQ(ReadAllAt(-1, text, 0), -1);
  EXPECT_FALSE(WriteAllAt(-1, "a", 0));
}

TEST(File, IsMissingOnlyWhenThatIsCertain) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "file", ""));
  EXPECT_FALSE(IsMissing(folder / "file"));
  EXPECT_TRUE(IsMissing(folder / "gone"));
  EXPECT_TRUE(IsMissing(folder / "file/below"));
  ASSERT_EQ(::symlink("loop", (folder / "loop").c_str()), 0);
  EXPECT_FALSE(IsMissing(folder / "loop")) << "nobody can tell";
}

}  // namespace file_test
}  // namespace ddl
