// SPDX-License-Identifier: Apache-2.0
#include "trainer/augment.h"

#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/dataset_memory.h"
#include "trainer/task.h"

namespace ddl {
namespace augment_test {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array<std::uint8_t, 9> kSquare{1, 2, 3, 4, 5, 6, 7, 8, 9};

Augmentation Images(std::size_t height, std::size_t width, std::size_t channels = 1) {
  return {
      .settings = {}, .size = {.height = height, .width = width}, .channels = channels, .seed = 0};
}

// Black is -1 and every pixel twice its value less one.
const Affine kTwice{.mean = {0.5F}, .scale = {2.0F}};

std::vector<float> Changed(const ImageChange& change) {
  std::vector<float> out(9, 99.0F);
  ChangeImage(std::span(kSquare), kTwice, Images(3, 3), change, out.data());
  return out;
}

TEST(Augment, WithoutAChangeThePixelsAreScaledAlone) {
  EXPECT_THAT(Changed({}), ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 17));
}

TEST(Augment, ACropMovesTheImageAndTheEdgeIsBlack) {
  EXPECT_THAT(Changed({.down = 1, .right = -1}), ElementsAre(-1, 7, 9, -1, 13, 15, -1, -1, -1));
  EXPECT_THAT(Changed({.down = -2, .right = 2}), ElementsAre(-1, -1, -1, -1, -1, -1, 5, -1, -1));
}

TEST(Augment, AMirrorTurnsWhatWasCropped) {
  EXPECT_THAT(Changed({.is_mirrored = true}), ElementsAre(5, 3, 1, 11, 9, 7, 17, 15, 13));
  EXPECT_THAT(Changed({.down = 1, .right = -1, .is_mirrored = true}),
              ElementsAre(9, 7, -1, 15, 13, -1, -1, -1, -1));
}

TEST(Augment, TheSquareIsBlankedWithTheMean) {
  EXPECT_THAT(Changed({.top = 1, .bottom = 3, .left = 2, .end = 3}),
              ElementsAre(1, 3, 5, 7, 9, 0, 13, 15, 0));
}

TEST(Augment, ChannelsStayInTheirOrder) {
  const std::vector<float> stored{1, 2, 3, 4, 5, 6};  // one line of two pixels
  std::vector<float> out(6);
  ChangeImage(std::span<const float>(stored), Affine{}, Images(1, 2, 3), {.is_mirrored = true},
              out.data());
  EXPECT_THAT(out, ElementsAre(4, 5, 6, 1, 2, 3));
}

// The loops for one scale and for a scale a feature are different code.
TEST(Augment, AScaleForEachFeatureIsThatOfThePlace) {
  Affine each{.mean = std::vector<float>(12, 0.25F), .scale = std::vector<float>(12, 3.0F)};
  const Affine one{.mean = {0.25F}, .scale = {3.0F}};
  std::vector<float> stored(12);
  std::iota(stored.begin(), stored.end(), 1.0F);
  for (std::ptrdiff_t down = -2; down <= 2; ++down) {
    for (std::ptrdiff_t right = -3; right <= 3; ++right) {
      for (const bool is_mirrored : {false, true}) {
        const ImageChange change{.down = down, .right = right, .is_mirrored = is_mirrored};
        const Augmentation images = Images(2, 3, 2);
        std::vector<float> by_one(12);
        std::vector<float> by_each(12);
        ChangeImage(std::span<const float>(stored), one, images, change, by_one.data());
        ChangeImage(std::span<const float>(stored), each, images, change, by_each.data());
        EXPECT_EQ(by_one, by_each) << down << " " << right << " " << is_mirrored;
      }
    }
  }
  each.mean[3] = 7.0F;
  std::vector<float> out(12);
  ChangeImage(std::span<const float>(stored), each, Images(2, 3, 2), {.right = 1}, out.data());
  EXPECT_EQ(out[3], (stored[5] - 7.0F) * 3.0F);
}

TEST(Augment, ADrawIsAFunctionOfSeedEpochAndRow) {
  const AugmentSettings settings{.crop = 4, .has_flips = true, .cutout = 8};
  const ImageSize size{.height = 28, .width = 28};
  const auto text = [&](std::uint64_t seed, std::uint64_t epoch, std::uint32_t row) {
    const ImageChange c = DrawChange(settings, size, seed, epoch, row);
    return std::to_string(c.down) + " " + std::to_string(c.right) + " " +
           std::to_string(c.is_mirrored) + " " + std::to_string(c.top) + " " +
           std::to_string(c.left);
  };
  EXPECT_EQ(text(1, 2, 3), text(1, 2, 3));
  EXPECT_NE(text(1, 2, 3), text(2, 2, 3));
  EXPECT_NE(text(1, 2, 3), text(1, 3, 3));
  EXPECT_NE(text(1, 2, 3), text(1, 2, 4));
}

TEST(Augment, OffsetsAreUniformAndHalfOfTheImagesAreMirrored) {
  const AugmentSettings settings{.crop = 2, .has_flips = true};
  std::map<std::pair<std::ptrdiff_t, std::ptrdiff_t>, int> offsets;
  int mirrored = 0;
  constexpr int kDraws = 100'000;
  for (std::uint32_t row = 0; row < kDraws; ++row) {
    const ImageChange change = DrawChange(settings, {.height = 9, .width = 9}, 3, 1, row);
    ++offsets[{change.down, change.right}];
    mirrored += change.is_mirrored ? 1 : 0;
  }
  ASSERT_EQ(offsets.size(), 25U);
  EXPECT_EQ(offsets.begin()->first, std::pair(std::ptrdiff_t{-2}, std::ptrdiff_t{-2}));
  for (const auto& [offset, count] : offsets)
    EXPECT_NEAR(count, kDraws / 25, 5 * 62);  // five deviations of a binomial count
  EXPECT_NEAR(mirrored, kDraws / 2, 5 * 158);
}

TEST(Augment, TheSquareHasItsSideOrReachesOverAnEdge) {
  const AugmentSettings settings{.cutout = 3};
  std::map<std::size_t, int> heights;
  for (std::uint32_t row = 0; row < 1000; ++row) {
    const ImageChange change = DrawChange(settings, {.height = 5, .width = 7}, 3, 1, row);
    ASSERT_LE(change.bottom, 5U);
    ASSERT_LE(change.end, 7U);
    ASSERT_LT(change.left, change.end);
    ++heights[change.bottom - change.top];
  }
  EXPECT_EQ(heights.size(), 2U) << "two rows at an edge, else three";
  EXPECT_NEAR(heights[3], 600, 5 * 16);
}

// A mirror keeps the mean of an image exactly; a square takes it towards zero, the data's mean.
TEST(Augment, MeansArePreserved) {
  const Augmentation images = Images(3, 3);
  const auto mean = [](const std::vector<float>& out) {
    return std::accumulate(out.begin(), out.end(), 0.0F) / 9.0F;
  };
  const float whole = mean(Changed({}));
  EXPECT_EQ(mean(Changed({.is_mirrored = true})), whole);
  const std::array<std::uint8_t, 9> grey{5, 5, 5, 5, 5, 5, 5, 5, 5};
  std::vector<float> out(9);
  const Affine around_grey{.mean = {5.0F}, .scale = {2.0F}};
  for (std::uint32_t row = 0; row < 100; ++row) {
    const ImageChange change = DrawChange({.cutout = 2}, images.size, 0, 0, row);
    ChangeImage(std::span(grey), around_grey, images, change, out.data());
    EXPECT_EQ(mean(out), 0.0F);
  }
}

std::string Complaint(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Augment, RefusesWhatDoesNotFitByItsName) {
  const AugmentSettings crop{.crop = 28};
  EXPECT_THAT(Complaint([&] { (void)MakeAugmentation(crop, {28, 28}, 784, 0); }),
              HasSubstr("augment.crop"));
  EXPECT_THAT(Complaint([] { (void)MakeAugmentation({.cutout = 3}, {8, 3}, 24, 0); }),
              HasSubstr("3 pixels of images of 8 x 3"));
  EXPECT_THAT(Complaint([] { (void)MakeAugmentation({.crop = 1}, {16}, 16, 0); }),
              HasSubstr("no images"));
  EXPECT_THAT(Complaint([] { (void)MakeAugmentation({.crop = 1}, {4, 4, 3}, 47, 0); }),
              HasSubstr("47 numbers are no images of [4, 4, 3]"));
}

// Images of 6 x 6 bytes, as a data set keeps them.
ReadData MadeImages() {
  ReadData data{.name = "images", .shape = {6, 6}, .classes = 3, .is_bytes = true};
  for (int row = 0; row < 120; ++row) {
    data.train.labels.push_back(row % 3);
    for (int pixel = 0; pixel < 36; ++pixel)
      data.train.bytes.push_back(
          static_cast<std::uint8_t>((row * 37 + pixel * 11) % 100 + (pixel % 3 == row % 3) * 100));
  }
  return data;
}

TrainerConfig ImageConfig(const std::string& augment) {
  Json mapping = ParseJson(R"({"data": "fashion-mnist", "epochs": 3, "batch_size": 16,
      "model": {"type": "cnn", "layers": "4c3-p-fc8"}, "optimizer": {"type": "adam"}})",
                           "test");
  mapping["augment"] = ParseJson(augment, "test");
  return ReadTrainerConfig(mapping);
}

class AugmentedTraining : public testing::Test {
 protected:
  [[nodiscard]] Session Begin(const TrainerConfig& config) const {
    return {.batches = MakeBatches(config, dataset_), .config = config};
  }
  Dataset dataset_ = KeepInMemory(MadeImages());
};

constexpr const char* kAll = R"({"crop": 2, "flip": true, "cutout": 3})";

TEST_F(AugmentedTraining, ContinuesBitForBit) {
  const TrainerConfig config = ImageConfig(kAll);
  Session whole = Begin(config);
  whole.Run();
  ASSERT_EQ(whole.lines.size(), 3U);
  for (const int steps : {1, 7, 9, 20}) {
    const TrainerFolder folder;
    Session before = Begin(config);
    before.folder = folder.Path();
    before.stop_after_steps = steps;
    before.Run();
    Session after = Begin(config);
    after.folder = folder.Path();
    after.Run();
    EXPECT_EQ(after.state, whole.state) << steps;
  }
}

TEST_F(AugmentedTraining, EveryKeyChangesTheWeights) {
  Session plain = Begin(ImageConfig("{}"));
  plain.Run();
  for (const char* augment : {R"({"crop": 2})", R"({"flip": true})", R"({"cutout": 3})"}) {
    Session session = Begin(ImageConfig(augment));
    session.Run();
    EXPECT_NE(session.state, plain.state) << augment;
  }
}

// In blocks as in memory.
TEST_F(AugmentedTraining, DataLargerThanMemoryAreChangedToo) {
  TrainerConfig config = ImageConfig(kAll);
  config.shuffle.kind = ShuffleKind::kNone;
  Session whole = Begin(config);
  whole.Run();
  TrainerConfig plain = ImageConfig("{}");
  plain.shuffle.kind = ShuffleKind::kNone;
  Session unchanged = Begin(plain);
  unchanged.Run();
  EXPECT_NE(whole.state, unchanged.state);
  const TrainerFolder folder;
  Session before = Begin(config);
  before.folder = folder.Path();
  before.stop_after_steps = 9;
  before.Run();
  Session after = Begin(config);
  after.folder = folder.Path();
  after.Run();
  EXPECT_EQ(after.state, whole.state);
}

TEST_F(AugmentedTraining, OnlyTrainingRowsAreChanged) {
  const TrainerConfig plain = ImageConfig("{}");
  const TrainerConfig changed = ImageConfig(kAll);
  const TrainingBatches before = MakeBatches(plain, dataset_);
  const TrainingBatches after = MakeBatches(changed, dataset_);
  const std::vector<std::uint32_t> rows{0, 5, 7};
  const auto loaded = [&](const Batches& part, std::uint64_t epoch) {
    std::vector<float> features(3 * 48);
    std::vector<std::int32_t> labels(3);
    part.load(rows, {.features = features.data(), .stride = 48, .labels = labels, .epoch = epoch});
    features.insert(features.end(), labels.begin(), labels.end());
    return features;
  };
  EXPECT_EQ(loaded(before.validation, 0), loaded(after.validation, 0));
  EXPECT_NE(loaded(before.train, 0), loaded(after.train, 0));
  EXPECT_NE(loaded(after.train, 0), loaded(after.train, 1));
  EXPECT_EQ(loaded(after.train, 1), loaded(after.train, 1));
}

TEST(AugmentedText, IsRefused) {
  const TrainerFolder folder;
  std::ofstream(folder.Path() / "text") << "to be, or not to be, that is the question";
  TrainerConfig config = ImageConfig(R"({"flip": true})");
  config.data = {{"type", "text"}, {"train", (folder.Path() / "text").string()}, {"context", 4}};
  const Dataset dataset = LoadDataset(config.data, {});
  EXPECT_THAT(Complaint([&] { (void)MakeBatches(config, dataset); }),
              HasSubstr("augmentation of a text"));
}

}  // namespace augment_test
}  // namespace ddl
