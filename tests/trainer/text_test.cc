// SPDX-License-Identifier: Apache-2.0
// Texts as data: tokens, windows, the held-out part, and a transformer that learns one.
#include "trainer/text.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/task.h"
#include "trainer/training.h"

namespace ddl {
namespace text_test {

using testing::ElementsAre;
using testing::HasSubstr;

class Text : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.Path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string Complaint(const std::string& train, const std::string& test, std::size_t context) {
    try {
      Json config{{"type", "text"}, {"train", Write("train", train)}, {"context", context}};
      if (!test.empty()) config["test"] = Write("test", test);
      (void)LoadDataset(config, {});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  Dataset Load(const std::string& text, std::size_t context) {
    Json config{{"type", "text"}, {"train", Write("train", text)}, {"context", context}};
    return LoadDataset(config, {});
  }

  static TrainerConfig Config(const std::string& more = "{}") {
    Json mapping = ParseJson(R"({"data": {"type": "text", "train": "x"}, "validation": 0.2,
        "epochs": 2, "batch_size": 4, "optimizer": {"type": "adam", "lr": 0.01},
        "model": {"type": "transformer", "depth": 1, "heads": 2, "width": 8}})",
                             "test");
    Override(mapping, ParseJson(more, "test"));
    return ReadTrainerConfig(mapping);
  }

  TrainerFolder folder_;
};

TEST_F(Text, TokensAreTheBytesThatOccurInTheirOrder) {
  const ReadData data = ReadText(Write("a", "cab a\n"), Write("b", "bacb"));
  EXPECT_EQ(data.classes, 5U);
  EXPECT_THAT(data.class_names, ElementsAre("0x0a", "0x20", "a", "b", "c"));
  EXPECT_THAT(data.train.bytes, ElementsAre(4, 2, 3, 1, 2, 0));
  EXPECT_THAT(data.test.bytes, ElementsAre(3, 2, 4, 3));
}

TEST_F(Text, FaultsAreToldWithTheirByte) {
  EXPECT_THAT(Complaint("abc", "", 3), HasSubstr("3 bytes, and a context of 3 needs more"));
  EXPECT_THAT(Complaint("aaaa", "", 2), HasSubstr("a text of one character"));
  EXPECT_THAT(Complaint("abab", "abxb", 2),
              HasSubstr("byte 3 (x) does not occur in the training text"));
  EXPECT_THROW((void)ReadText("/nowhere/text", ""), Error);
}

// Its windows are named by 32 bits. Such a file is refused before it is read.
TEST_F(Text, OneThatIsTooLongIsRefused) {
  const std::string half = Write("half", "ab");
  const std::string whole = Write("whole", "ab");
  std::filesystem::resize_file(half, std::uintmax_t{1} << 31U);  // no block of it is stored
  std::filesystem::resize_file(whole, std::uintmax_t{1} << 32U);
  EXPECT_EQ(folder_.RefusalOf([&] { (void)ReadText(whole, ""); }),
            "whole: a text of 4294967296 bytes, the test text among them; 4294967295 can be read: "
            "take a part of it");
  EXPECT_THAT(folder_.RefusalOf([&] { (void)ReadText(half, half); }),
              HasSubstr("half: a text of 4294967296 bytes"));
}

// One batch of windows, as a plan would see them.
struct Loaded {
  std::vector<float> tokens;
  std::vector<std::int32_t> labels;

  Loaded(const Batches& part, const std::vector<std::uint32_t>& rows, std::size_t context)
      : tokens(rows.size() * context), labels(rows.size() * context) {
    part.load(rows, {.features = tokens.data(), .stride = context, .labels = labels});
  }
};

TEST_F(Text, ALabelIsTheTokenBehind) {
  const Dataset set = Load("abcdefghijklmnopqrst", 3);
  const TrainingBatches batches = MakeBatches(Config(), set);
  EXPECT_TRUE(batches.is_text);
  EXPECT_EQ(batches.train.rows, 5U);  // of 16 tokens, one of them only a label
  EXPECT_EQ(batches.validation.rows, 1U);
  const Loaded train(batches.train, {0, 12}, 3);
  EXPECT_THAT(train.tokens, ElementsAre(0, 1, 2, 12, 13, 14));
  EXPECT_THAT(train.labels, ElementsAre(1, 2, 3, 13, 14, 15));
  const Loaded validation(batches.validation, {0}, 3);
  EXPECT_THAT(validation.tokens, ElementsAre(16, 17, 18));
  EXPECT_THAT(validation.labels, ElementsAre(17, 18, 19));
}

TEST_F(Text, EpochsDrawWindowsThatStayInTheTrainingPart) {
  const Dataset set = Load("abcdefghijklmnopqrst", 3);
  const TrainingBatches batches = MakeBatches(Config(R"({"steps_per_epoch": 25})"), set);
  std::set<std::uint32_t> seen;
  const auto order = [&batches](std::uint64_t epoch) {
    const RowOrder whole = batches.order(epoch);
    const std::span<const std::uint32_t> rows = whole(0, batches.train.rows);
    return std::vector<std::uint32_t>(rows.begin(), rows.end());
  };
  for (const std::uint32_t start : order(0))
    seen.insert(start);
  EXPECT_EQ(order(0).size(), 100U);
  EXPECT_EQ(seen.size(), 13U) << "windows begin anywhere";
  EXPECT_EQ(*seen.rbegin(), 12U);
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(0), order(1));
}

TEST_F(Text, PartsThatHoldNoWindowAreRefused) {
  const Dataset set = Load("abcdefghijklmnopqrst", 8);
  EXPECT_THROW((void)MakeBatches(Config(), set), Error);                         // 4 held out
  EXPECT_THROW((void)MakeBatches(Config(R"({"validation": 15})"), set), Error);  // 5 left
}

TEST_F(Text, OnlyTransformersReadItAndNothingElse) {
  const Dataset set = Load("abcdefghijklmnopqrst", 3);
  const TrainerConfig config = Config(R"({"validation": 0})");
  TrainerConfig dense = config;
  dense.model = {.layers = DenseLayers({4}, Activation::kRelu, false)};
  const TrainingBatches batches = MakeBatches(config, set);
  EXPECT_THROW((void)ShapeOf(dense, batches), Error);
  TrainingBatches rows = batches;
  rows.is_text = false;
  EXPECT_THROW((void)ShapeOf(config, rows), Error);
  EXPECT_NO_THROW((void)ShapeOf(config, batches));
}

// A text in which each letter has one successor.
TEST_F(Text, ATransformerLearnsItAndContinuesBitForBit) {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += "abcdefgh";
  const Dataset set = Load(text, 8);
  const TrainerConfig config = Config(R"({"steps_per_epoch": 40, "model.dropout": 0.1})");
  const TrainingBatches batches = MakeBatches(config, set);
  const auto train = [&](std::optional<std::filesystem::path> folder, int stop_after) {
    std::vector<std::string> lines;
    int asked = 0;
    const TrainingOutlets outlets{
        .metrics = [&](const std::string& line) { lines.push_back(line); },
        .notes = [](const std::string&) {},
        .is_stop_asked = [&] { return stop_after > 0 && asked++ >= stop_after; },
        .checkpoint_folder = std::move(folder)};
    Training training(config, batches, outlets);
    (void)training.Run();
    return std::pair(training.State(), lines);
  };
  const auto whole = train(std::nullopt, 0);
  EXPECT_GT(ParseJson(whole.second.back(), "line").at("val_accuracy").get<double>(), 0.9);
  const TrainerFolder folder;
  (void)train(folder.Path(), 53);
  EXPECT_EQ(train(folder.Path(), 0).first, whole.first);
}

}  // namespace text_test
}  // namespace ddl
