// SPDX-License-Identifier: Apache-2.0
#include "runner/file_transfer.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/sha256.h"

namespace ddl {
namespace file_transfer_test {

TEST(Sha, HasThePublishedDigests) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha, DoesNotCareHowItsBytesCome) {
  const std::string text(1000, 'q');
  for (const std::size_t cut : {1U, 55U, 56U, 63U, 64U, 65U, 999U}) {
    Sha256 hash;
    hash.Add(std::string_view(text).substr(0, cut));
    hash.Add(std::string_view(text).substr(cut));
    EXPECT_EQ(hash.Hex(), Sha256Hex(text)) << cut;
  }
}

class FilesOverALink : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "ddl-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(FilesOverALink, ArriveWholeAndUnderTheirName) {
  const std::string text = "hello, host";
  PutFile first{1, "in/new/file", 0, text.substr(0, 5), false, {}};
  const PutFileReply halfway = WritePiece(folder_, first);
  EXPECT_EQ(halfway.have, 5U);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/in/new/file"));
  const PutFileReply done =
      WritePiece(folder_, {1, "in/new/file", 5, text.substr(5), true, Sha256Hex(text)});
  EXPECT_TRUE(done.done) << done.problem;
  EXPECT_EQ(ReadFile(folder_ + "/in/new/file"), text);
}

TEST_F(FilesOverALink, TellWhereToGoOnAfterACut) {
  (void)WritePiece(folder_, {1, "f", 0, "abc", false, {}});
  const PutFileReply reply = WritePiece(folder_, {2, "f", 100, "zzz", true, "x"});
  EXPECT_EQ(reply.have, 3U);
  EXPECT_FALSE(reply.done);
}

TEST_F(FilesOverALink, AreRefusedWhenDamaged) {
  const PutFileReply reply = WritePiece(folder_, {1, "f", 0, "abc", true, Sha256Hex("abd")});
  EXPECT_FALSE(reply.done);
  EXPECT_NE(reply.problem.find("not what was sent"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/f"));
}

TEST_F(FilesOverALink, NeverLeaveTheHostFolder) {
  for (const char* path : {"../f", "a/../../f", "/etc/passwd", ""}) {
    EXPECT_NE(WritePiece(folder_, {1, path, 0, "x", true, "x"}).problem, "") << path;
    EXPECT_NE(ReadPiece(folder_, {1, path, 0, 10}).problem, "") << path;
  }
}

TEST_F(FilesOverALink, ComeBackInPieces) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", "0123456789"));
  const FileChunk first = ReadPiece(folder_, {7, "f", 0, 4});
  EXPECT_EQ(first.bytes, "0123");
  EXPECT_TRUE(first.last);
  EXPECT_EQ(ReadPiece(folder_, {7, "f", 4, 100}).bytes, "456789");
  EXPECT_EQ(ReadPiece(folder_, {7, "f", 50, 100}).bytes, "");
  EXPECT_NE(ReadPiece(folder_, {7, "gone", 0, 4}).problem, "");
}

}  // namespace file_transfer_test
}  // namespace ddl
