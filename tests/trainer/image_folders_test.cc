// SPDX-License-Identifier: Apache-2.0
#include "trainer/image_folders.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace image_folders_test {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;

class ImageFoldersTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) const {
    const fs::path path = folder_.Path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  [[nodiscard]] Dataset Load(const std::string& more = "{}") const {
    Json config{{"type", "images"}, {"train", "train"}};
    config.update(ParseJson(more, "test"));
    return LoadDataset(config, {.search = {folder_.Path()}, .cache = folder_.Path() / "cache"});
  }
  [[nodiscard]] std::string Refusal(const std::string& more = "{}") const {
    return folder_.RefusalOf([&] { (void)Load(more); });
  }
  // Grey values of the first pixel, by label.
  static std::multimap<std::int32_t, int> Firsts(const Dataset& set, const Split& split) {
    const auto values = std::get<std::span<const std::uint8_t>>(split.features);
    std::multimap<std::int32_t, int> firsts;
    for (std::size_t row = 0; row < split.Rows(); ++row)
      firsts.emplace(split.labels[row], values[row * set.features]);
    return firsts;
  }

  TrainerFolder folder_;
};

TEST_F(ImageFoldersTest, SortedFoldersAreTheClasses) {
  Write("train/dog/b.pgm", "P5 2 1 255\nb.");
  Write("train/dog/a.PGM", "P5 2 1 255\na.");
  Write("train/cat/x.pgm", "P5 2 1 255\nx.");
  Write("train/cat/notes.txt", "no picture");
  Write("train/cat/.hidden.pgm", "no picture");
  Write("test/dog/t.pgm", "P5 2 1 255\nt.");
  const Dataset set = Load(R"({"test": "test"})");
  EXPECT_THAT(set.class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(set.shape, ElementsAre(1, 2));
  EXPECT_THAT(Firsts(set, set.train), testing::UnorderedElementsAre(
                                          std::pair(0, 'x'), std::pair(1, 'a'), std::pair(1, 'b')));
  EXPECT_THAT(Firsts(set, set.test), ElementsAre(std::pair(1, 't')));
}

TEST_F(ImageFoldersTest, NeighboursAreOfDifferentClassesInTheSameOrderAlways) {
  for (int i = 0; i < 40; ++i)
    Write((i < 20 ? "train/a/" : "train/b/") + std::to_string(i) + ".pgm", "P5 1 1 255\nx");
  const Dataset set = Load();
  const std::vector<std::int32_t> labels(set.train.labels.begin(), set.train.labels.end());
  int changes = 0;
  for (std::size_t i = 1; i < labels.size(); ++i)
    changes += labels[i] != labels[i - 1] ? 1 : 0;
  EXPECT_GT(changes, 8);
  fs::remove_all(folder_.Path() / "cache");
  const Dataset again = Load();
  EXPECT_EQ(labels,
            std::vector<std::int32_t>(again.train.labels.begin(), again.train.labels.end()));
}

TEST_F(ImageFoldersTest, SizesAndChannelsThatDifferNeedAWord) {
  Write("train/a/1.pgm", "P5 2 1 255\nxx");
  Write("train/b/2.pgm", "P5 2 2 255\nxxyy");
  EXPECT_EQ(Refusal(),
            "train/b/2.pgm: 2 pixels high and 2 wide, and 1 by 2 in train/a/1.pgm; write "
            "data.size: [height, width], and pictures are resized");
  EXPECT_THAT(Load(R"({"size": [3, 4]})").shape, ElementsAre(3, 4));
  Write("train/b/2.pgm", "P6 2 1 255\nrgbrgb");
  EXPECT_EQ(Refusal(),
            "train/b/2.pgm: 3 channels, and 1 in train/a/1.pgm; write data.channels: 1 or 3");
  EXPECT_THAT(Load(R"({"channels": 3})").shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(Load(R"({"channels": 1})").shape, ElementsAre(1, 2));
}

TEST_F(ImageFoldersTest, FaultsNameTheFileOrFolder) {
  fs::create_directories(folder_.Path() / "train");
  EXPECT_THAT(Refusal(), HasSubstr("train: no pictures; it must hold one folder a class"));
  Write("train/a/1.pgm", "P5 1 1 255\nx");
  EXPECT_THAT(Refusal(), HasSubstr("train: 1 class"));
  Write("train/b/2.png", "not a picture");
  EXPECT_EQ(Refusal(),
            "train/b/2.png: neither PNG, JPEG, PPM nor PGM; convert it, or take it out of its "
            "folder");
  Write("train/b/2.png", "P5 1 1 255\nx");
  Write("test/c/3.pgm", "P5 1 1 255\nx");
  EXPECT_EQ(Refusal(R"({"test": "test"})"),
            "test: the training part has no class 'c'; take the folder out, or train on such "
            "pictures too");
  EXPECT_THAT(Refusal(R"({"train": "nowhere"})"), HasSubstr("data: no file nowhere"));
  EXPECT_EQ(Refusal(R"({"size": [3]})"),
            "data.size: 1 numbers; write [height, width], each at most 4096");
  EXPECT_EQ(Refusal(R"({"channels": 2})"), "data.channels: unknown value '2'; choose one of: 1, 3");
}

TEST_F(ImageFoldersTest, PreparedDataFollowTheirFiles) {
  Write("train/a/1.pgm", "P5 1 1 255\nx");
  Write("train/b/2.pgm", "P5 1 1 255\ny");
  EXPECT_EQ(Load().train.Rows(), 2U);
  Write("train/b/3.pgm", "P5 1 1 255\nz");
  EXPECT_EQ(Load().train.Rows(), 3U);
  fs::create_directories(folder_.Path() / "train/c");
  EXPECT_THAT(NotesOn(Load()), ElementsAre("1 of 3 classes has no training row: c"));
}

}  // namespace image_folders_test
}  // namespace ddl
