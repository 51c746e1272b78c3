// SPDX-License-Identifier: Apache-2.0
// Data that are prepared on one machine for another, which has none of the files.
#include "trainer/prepared.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace prepared_test {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;

class BroughtData : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.Path() / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::optional<PreparedData> Prepare(const Json& config) const {
    return PrepareDataset(config, {.search = {folder_.Path()}, .cache = folder_.Path() / "cache"});
  }
  // As it would be sent: under its name, in a folder of the other machine.
  void Bring(const Json& config) const {
    const std::optional<PreparedData> prepared = Prepare(config);
    ASSERT_TRUE(prepared);
    fs::create_directory(There());
    fs::copy_file(prepared->path, There() / prepared->name);
  }
  [[nodiscard]] Dataset Load(const Json& config) const {
    return LoadDataset(config, {.search = {folder_.Path()}, .cache = {}, .prepared = There()});
  }
  [[nodiscard]] fs::path There() const { return folder_.Path() / "there"; }
  static std::vector<float> RowOf(const Dataset& set, std::uint32_t row) {
    std::vector<float> out(set.features);
    GatherRows(set.train, std::vector<std::uint32_t>{row}, Affine{}, out);
    return out;
  }
  static std::vector<std::uint8_t> TokensOf(const Split& split) {
    const auto tokens = std::get<std::span<const std::uint8_t>>(split.features);
    return {tokens.begin(), tokens.end()};
  }

  TrainerFolder folder_;
};

TEST_F(BroughtData, StandForFilesThatAreGoneOrOthers) {
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  Write("t.csv", "1,0\n2,1\n");
  Bring(config);
  for (const bool is_gone : {true, false}) {
    fs::remove(folder_.Path() / "t.csv");
    if (!is_gone) Write("t.csv", "7,0\n8,1\n");
    const Dataset set = Load(config);
    EXPECT_THAT(RowOf(set, 1), ElementsAre(2.0F));
    EXPECT_EQ(set.train.labels[1], 1);
  }
}

TEST_F(BroughtData, AreTheSameFileWhereverTheyWereMade) {
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  Write("t.csv", "1,0\n2,1\n");
  const auto first = Prepare(config);
  std::ifstream stream(first->path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  fs::last_write_time(folder_.Path() / "t.csv", fs::file_time_type::clock::now());
  const auto again = Prepare(config);
  EXPECT_EQ(again->name, first->name);
  EXPECT_NE(again->path, first->path) << "its source may have changed";
  std::ifstream other(again->path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(other), {}), bytes);
}

TEST_F(BroughtData, AreRefusedWhereTheyAreMissingOrDamaged) {
  Write("t.csv", "1,0\n2,1\n");
  Write("u.csv", "1,0\n2,1\n");
  Bring({{"type", "csv"}, {"train", "t.csv"}});
  try {
    (void)Load({{"type", "csv"}, {"train", "u.csv"}});
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("not brought along"));
  }
  for (const auto& entry : fs::directory_iterator(There()))
    fs::resize_file(entry.path(), 4100);
  EXPECT_THROW((void)Load({{"type", "csv"}, {"train", "t.csv"}}), Error);
}

TEST_F(BroughtData, AreNoneThatCanBeMadeUp) {
  EXPECT_FALSE(Prepare("blobs"));
  EXPECT_FALSE(Prepare({{"type", "spirals"}, {"rows", 10}}));
  EXPECT_EQ(Load({{"type", "blobs"}, {"rows", 10}}).train.Rows(), 10U);
}

TEST_F(BroughtData, OfATextServeEveryContext) {
  Json config{{"type", "text"}, {"train", "t"}, {"test", "u"}, {"context", 2}};
  Write("t", "cab a\n");
  Write("u", "bacb");
  Bring(config);
  config["context"] = 3;
  EXPECT_TRUE(fs::exists(There() / Prepare(config)->name));
  fs::remove(folder_.Path() / "t");
  const Dataset set = Load(config);
  EXPECT_EQ(set.context, 3U);
  EXPECT_EQ(set.features, 3U);
  EXPECT_THAT(set.shape, ElementsAre(3U));
  EXPECT_EQ(set.classes, 5U);
  EXPECT_THAT(TokensOf(set.train), ElementsAre(4, 2, 3, 1, 2, 0));
  EXPECT_THAT(TokensOf(set.test), ElementsAre(3, 2, 4, 3));
  EXPECT_TRUE(set.train.labels.empty());
  config["context"] = 4;
  EXPECT_THROW((void)Load(config), Error) << "the test text is shorter";
}

// What was prepared by readers that made other rows of the same files has another name.
TEST(SourceKey, TellsTheFormatAndTheReaders) {
  EXPECT_EQ(SourceKey("csv", {}), "v2.2 csv");
}

TEST_F(BroughtData, CannotBePreparedWhereNothingCanBeKept) {
  Write("t.csv", "1,0\n2,1\n");
  Write("cache", "a file");
  testing::internal::CaptureStderr();
  EXPECT_THROW((void)Prepare({{"type", "csv"}, {"train", "t.csv"}}), Error);
  (void)testing::internal::GetCapturedStderr();
}

}  // namespace prepared_test
}  // namespace ddl
