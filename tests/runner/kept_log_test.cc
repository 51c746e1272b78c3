// SPDX-License-Identifier: Apache-2.0
#include "runner/kept_log.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "runner/gzip.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace kept_log_test {

namespace fs = std::filesystem;

std::string SomeLog(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i)
    text += "epoch " + std::to_string(i) + " \xff\x00 loss\n";
  return text;
}

void Put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(Gzip, GivesBackWhatItWasGiven) {
  for (const std::string& text : {std::string(), std::string(1, '\0'), SomeLog(20'000)}) {
    const auto packed = Gzip(text);
    ASSERT_TRUE(packed);
    EXPECT_EQ(Gunzip(*packed, text.size()), text);
  }
}

TEST(Gzip, RefusesWhatIsCutDamagedOrTooLarge) {
  const std::string text = SomeLog(1'000);
  const std::string packed = Gzip(text).value();
  EXPECT_EQ(Gunzip(packed.substr(0, packed.size() - 1), text.size()), std::nullopt);
  EXPECT_EQ(Gunzip(packed, text.size() - 1), std::nullopt);
  EXPECT_EQ(Gunzip("", 10), std::nullopt);
  EXPECT_EQ(Gunzip("no gzip at all", 100), std::nullopt);
  for (std::size_t at = 12; at < packed.size(); at += packed.size() / 7) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(Gunzip(damaged, text.size()), std::nullopt) << at;
  }
}

TEST(KeptLog, ReadsTheSameBeforeAndAfterCompression) {
  const TemporaryFolder folder;
  const std::string head = SomeLog(5'000);
  const std::string tail = SomeLog(300);
  Put(folder.Path() + "/log", head);
  Put(folder.Path() + "/log.tail", tail);
  for (int round = 0; round < 2; ++round) {
    const KeptLog kept = ReadKeptLog(folder.Path());
    EXPECT_EQ(kept.head, head);
    EXPECT_EQ(kept.tail, tail);
    EXPECT_FALSE(kept.is_damaged);
    EXPECT_EQ(ReadLogFrom(folder.Path(), 1'000), head.substr(1'000));
    EXPECT_EQ(ReadLogFrom(folder.Path(), head.size() + 5), "");
    ASSERT_TRUE(CompressLogs(folder.Path()));
  }
  EXPECT_FALSE(fs::exists(folder.Path() + "/log"));
  EXPECT_FALSE(fs::exists(folder.Path() + "/log.tail"));
  EXPECT_LT(fs::file_size(folder.Path() + "/log.gz"), head.size() / 4);
}

// A kill leaves any of these; each can be read, and compressing again ends it.
TEST(KeptLog, AKillInBetweenLeavesOneThatCanBeRead) {
  const std::string text = SomeLog(200);
  const std::string packed = Gzip(text).value();
  for (const bool has_packed : {false, true}) {
    const TemporaryFolder folder;
    const std::string log = folder.Path() + "/log";
    Put(log, text);
    Put(log + ".gz.aside", packed.substr(0, packed.size() / 2));
    if (has_packed) Put(log + ".gz", packed);
    EXPECT_EQ(ReadKeptLog(folder.Path()).head, text);
    ASSERT_TRUE(CompressLogs(folder.Path()));
    EXPECT_EQ(ReadKeptLog(folder.Path()).head, text);
    EXPECT_EQ(fs::exists(log), false);
    EXPECT_EQ(fs::exists(log + ".gz.aside"), false);
  }
}

TEST(KeptLog, KeepsThePlainOneWhenTheOtherCannotBeWritten) {
  const TemporaryFolder folder;
  const std::string text = SomeLog(50);
  Put(folder.Path() + "/log", text);
  fs::create_directory(folder.Path() + "/log.gz.aside");  // in the way
  EXPECT_FALSE(CompressLogs(folder.Path()));
  EXPECT_EQ(ReadKeptLog(folder.Path()).head, text);
}

TEST(KeptLog, SaysWhenACompressedOneIsDamaged) {
  const TemporaryFolder folder;
  Put(folder.Path() + "/log.gz", "rubbish");
  EXPECT_TRUE(ReadKeptLog(folder.Path()).is_damaged);
  EXPECT_FALSE(ReadKeptLog(folder.Path() + "/nowhere").is_damaged);
}

}  // namespace kept_log_test
}  // namespace ddl
