// SPDX-License-Identifier: Apache-2.0
#include "trainer/training.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/gemm.h"

namespace ddl {
namespace training_test {

using testing::HasSubstr;

TEST(Training, LearnsAndSaysALineAnEpochAndOneForTheTest) {
  Session session{.config = SmallConfig()};
  session.Run();
  ASSERT_EQ(session.end, TrainingEnd::kFinished);
  ASSERT_EQ(session.lines.size(), 5U);
  const Json last = ParseJson(session.lines[3], "line");
  EXPECT_EQ(last["step"], 4);
  EXPECT_EQ(last["iteration"], 28);  // 6 whole batches and a short one, four times
  EXPECT_GT(last["val_accuracy"].get<double>(), 0.9);
  EXPECT_LT(last["train_loss"].get<double>(), ParseJson(session.lines[0], "line")["train_loss"]);
  const Json test = ParseJson(session.lines[4], "line");
  EXPECT_EQ(test["step"], 4);
  EXPECT_GT(test["test_accuracy"].get<double>(), 0.9);
}

TEST(Training, DropsTheShortBatchWhereAsked) {
  Session session{.config = SmallConfig(R"({"drop_last": true})")};
  session.Run();
  EXPECT_EQ(ParseJson(session.lines[3], "line")["iteration"], 24);
}

TEST(Training, SaysNothingOfValidationOrTestThatIsNotThere) {
  Session session{.config = SmallConfig()};
  session.batches.validation = {};
  session.batches.test = {};
  session.Run();
  ASSERT_EQ(session.lines.size(), 4U);
  EXPECT_FALSE(ParseJson(session.lines[3], "line").contains("val_loss"));
}

TEST(Training, TheSameConfigurationGivesTheSameBits) {
  Session first{.config = SmallConfig()};
  Session second{.config = SmallConfig()};
  first.Run();
  second.Run();
  EXPECT_EQ(WithoutSpeed(first.lines), WithoutSpeed(second.lines));
  EXPECT_EQ(first.state, second.state);
}

TEST(Training, AnotherSeedGivesOtherWeights) {
  Session first{.config = SmallConfig()};
  Session second{.config = SmallConfig(R"({"seed": 1})")};
  first.Run();
  second.Run();
  EXPECT_NE(first.state, second.state);
}

TEST(Training, ValidationAndTestDoNotInfluenceTheWeights) {
  Session with{.config = SmallConfig()};
  Session without{.config = SmallConfig()};
  without.batches.validation = {};
  without.batches.test = {};
  with.Run();
  without.Run();
  EXPECT_EQ(with.state, without.state);
}

// Stopped after 0, 5, 10, … steps of 28, in the midst of epochs and between them.
class InterruptedTraining : public testing::TestWithParam<int> {};

TEST_P(InterruptedTraining, ContinuesBitForBit) {
  Session whole{.config = SmallConfig()};
  whole.Run();
  const TrainerFolder folder;
  Session before{.config = SmallConfig(), .folder = folder.Path(), .stop_after_steps = GetParam()};
  before.Run();
  ASSERT_EQ(before.end, TrainingEnd::kStopped);
  Session after{.config = SmallConfig(), .folder = folder.Path()};
  after.Run();
  EXPECT_EQ(after.end, TrainingEnd::kFinished);
  std::vector<std::string> lines = before.lines;
  lines.insert(lines.end(), after.lines.begin(), after.lines.end());
  EXPECT_EQ(WithoutSpeed(lines), WithoutSpeed(whole.lines));
  EXPECT_EQ(after.state, whole.state);
}

INSTANTIATE_TEST_SUITE_P(Steps, InterruptedTraining, testing::Values(0, 1, 5, 7, 10, 14, 23, 27));

// Running means and variances are state as well.
TEST(Training, AConvolutionalOneContinuesBitForBit) {
  const TrainerConfig config =
      WithModel(R"({"type": "cnn", "image": [2, 3, 1], "norm": "batch", "layers": "5c3-r5-ga"})");
  Session whole{.config = config};
  whole.Run();
  EXPECT_GT(ParseJson(whole.lines[3], "line")["val_accuracy"].get<double>(), 0.6);
  for (const int steps : {3, 7, 17}) {
    const TrainerFolder folder;
    Session before{.config = config, .folder = folder.Path(), .stop_after_steps = steps};
    before.Run();
    Session after{.config = config, .folder = folder.Path()};
    after.Run();
    EXPECT_EQ(after.state, whole.state) << steps;
    EXPECT_EQ(WithoutSpeed(after.lines.back()), WithoutSpeed(whole.lines.back()));
  }
}

// Checkpoints hold the float32 weights, so either precision continues the other's.
TEST(Training, OneInBfloat16ContinuesBitForBit) {
  if (!HasBfloat16Products()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  const auto run = [](const char* precision, const std::filesystem::path* folder, int steps) {
    TrainerConfig config = SmallConfig();
    config.precision =
        std::string(precision) == "bf16" ? Precision::kBfloat16 : Precision::kFloat32;
    Session session{.config = config, .stop_after_steps = steps};
    if (folder != nullptr) session.folder = *folder;
    session.Run();
    return session;
  };
  const Session whole = run("bf16", nullptr, kNever);
  EXPECT_GT(ParseJson(whole.lines[3], "line")["val_accuracy"].get<double>(), 0.9);
  EXPECT_NE(whole.state, run("float32", nullptr, kNever).state);
  for (const int steps : {3, 7, 17}) {
    const TrainerFolder folder;
    const std::filesystem::path path = folder.Path();
    run("bf16", &path, steps);
    EXPECT_EQ(run("bf16", &path, kNever).state, whole.state) << steps;
  }
  const TrainerFolder folder;
  const std::filesystem::path path = folder.Path();
  run("bf16", &path, 10);
  const Session after = run("float32", &path, kNever);
  EXPECT_EQ(after.end, TrainingEnd::kFinished);
  EXPECT_THAT(after.notes.at(1), HasSubstr("the bits may differ"));
}

TEST(Training, RefusesConvolutionsOverRowsThatAreNoImages) {
  const auto complaint = [](const std::string& model) {
    try {
      Session session{.config = WithModel(model)};
      session.Run();
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(complaint(R"({"type": "cnn"})"), HasSubstr("are no images"));
  EXPECT_THAT(complaint(R"({"type": "cnn", "image": [2, 2, 1]})"),
              HasSubstr("images of [2, 2, 1] need 4 numbers a row, and the data have 6"));
}

TEST(Training, AveragesOfWeightsAreValidatedAndContinued) {
  const std::string model = R"({"type": "mlp", "hidden": [9]})";
  TrainerConfig config = WithModel(model);
  config.ema_decay = 0.9;
  Session plain{.config = WithModel(model)};
  Session averaged{.config = config};
  plain.Run();
  averaged.Run();
  const auto figure = [](const Session& session, const char* key) {
    return ParseJson(session.lines[0], "line").at(key).get<double>();
  };
  EXPECT_EQ(figure(plain, "train_loss"), figure(averaged, "train_loss"));
  EXPECT_NE(figure(plain, "val_loss"), figure(averaged, "val_loss"));
  const TrainerFolder folder;
  Session before{.config = config, .folder = folder.Path(), .stop_after_steps = 10};
  before.Run();
  Session after{.config = config, .folder = folder.Path()};
  after.Run();
  EXPECT_EQ(after.state, averaged.state);
}

TEST(Training, StopsEarlyWhenValidationStalls) {
  TrainerConfig config = WithModel(R"({"type": "mlp", "hidden": [9]})");
  config.epochs = 1000;
  config.early_stopping.patience = 3;
  Session session{.config = config};
  session.Run();
  EXPECT_EQ(session.end, TrainingEnd::kFinished);
  ASSERT_LT(session.lines.size(), 500U);
  ASSERT_GT(session.lines.size(), 4U);
  EXPECT_THAT(session.notes, testing::Contains(HasSubstr("stopped early after")));
  std::vector<double> figures;  // without the line of the test
  for (std::size_t i = 0; i + 1 < session.lines.size(); ++i)
    figures.push_back(ParseJson(session.lines[i], "line").at("val_accuracy").get<double>());
  const auto best = std::ranges::max_element(figures);
  EXPECT_EQ(figures.end() - best, 4) << "the best, and three that were no better";
  // A training that was interrupted stalls at the same epoch.
  const TrainerFolder folder;
  const int steps = static_cast<int>(figures.size() - 2) * 7 + 1;
  Session before{.config = config, .folder = folder.Path(), .stop_after_steps = steps};
  before.Run();
  Session after{.config = config, .folder = folder.Path()};
  after.Run();
  EXPECT_EQ(after.state, session.state);
  EXPECT_EQ(before.lines.size() + after.lines.size(), session.lines.size());
}

TEST(Training, RefusesEarlyStoppingWithoutValidation) {
  TrainerConfig config = SmallConfig();
  config.early_stopping.patience = 3;
  Session session{.config = config};
  session.batches.validation = {};
  EXPECT_THROW(session.Run(), Error);
}

// What a kill leaves: only the checkpoints of whole epochs, and a file that was never finished.
TEST(Training, ContinuesAfterAKillFromTheLatestEpoch) {
  Session whole{.config = SmallConfig()};
  whole.Run();
  const TrainerFolder folder;
  Session before{.config = SmallConfig(), .folder = folder.Path(), .stop_after_steps = 18};
  before.Run();
  std::filesystem::remove(folder.Path() / "iteration-000000000018.ckpt");  // left by the stop
  std::ofstream(folder.Path() / "iteration-000000000021.ckpt.aside") << "half of a";
  Session after{.config = SmallConfig(), .folder = folder.Path()};
  after.Run();
  EXPECT_EQ(after.state, whole.state);
  EXPECT_THAT(after.notes.at(0), HasSubstr("continued after 2 epochs and 0 steps"));
}

TEST(Training, SkipsADamagedCheckpointAndSaysSo) {
  const TrainerFolder folder;
  Session before{.config = SmallConfig(), .folder = folder.Path(), .stop_after_steps = 20};
  before.Run();
  std::ofstream(folder.Path() / "iteration-000000000020.ckpt") << "ddl ckpt but damaged";
  Session after{.config = SmallConfig(), .folder = folder.Path()};
  after.Run();
  EXPECT_THAT(after.notes.at(0), HasSubstr("skipped"));
  EXPECT_THAT(after.notes.at(1), HasSubstr("continued after 2 epochs"));
}

TEST(Training, KeepsTheBestAndTheLatestTwo) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(), .folder = folder.Path()};
  session.Run();
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.Path())) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("best.ckpt", "iteration-000000000021.ckpt",
                                                   "iteration-000000000028.ckpt"));
}

TEST(Training, AFinishedTrainingOnlyTestsAgain) {
  const TrainerFolder folder;
  Session first{.config = SmallConfig(), .folder = folder.Path()};
  first.Run();
  Session again{.config = SmallConfig(), .folder = folder.Path()};
  again.Run();
  ASSERT_EQ(again.lines.size(), 1U);
  EXPECT_EQ(again.lines[0], first.lines.back());
}

TEST(Training, MoreEpochsContinueWhatWasFinished) {
  const TrainerFolder folder;
  Session first{.config = SmallConfig(), .folder = folder.Path()};
  first.Run();
  Session more{.config = SmallConfig(R"({"epochs": 6})"), .folder = folder.Path()};
  more.Run();
  EXPECT_EQ(more.lines.size(), 3U);
  EXPECT_EQ(ParseJson(more.lines[0], "line")["step"], 5);
}

// As three trials of a population, the second with another rate.
TEST(Training, InPartsItIsTheWholeAndAPartMayHaveAnotherRate) {
  const TrainerFolder folder;
  Session whole{.config = SmallConfig()};
  whole.Run();
  std::vector<std::string> lines;
  for (const std::uint64_t until : {1U, 3U, 4U}) {
    Session part{.config = SmallConfig(), .folder = folder.Path(), .until = until};
    part.Run();
    EXPECT_EQ(part.end, TrainingEnd::kFinished);
    lines.insert(lines.end(), part.lines.begin(), part.lines.end());
    if (until == 4) {
      EXPECT_EQ(part.state, whole.state);
    }
  }
  EXPECT_EQ(lines.size(), whole.lines.size()) << "the test once, at the end";
  const TrainerFolder other;
  Session first{.config = SmallConfig(), .folder = other.Path(), .until = 2U};
  first.Run();
  Session second{.config = SmallConfig(R"({"optimizer.lr": 0.02, "model.dropout": 0.1})"),
                 .folder = other.Path()};
  second.Run();
  EXPECT_EQ(second.end, TrainingEnd::kFinished);
  EXPECT_EQ(second.lines.size(), 3U) << "two epochs and the test";
  EXPECT_NE(second.state, whole.state);
}

TEST(Training, RefusesACheckpointOfAnotherTraining) {
  const TrainerFolder folder;
  Session first{.config = SmallConfig(), .folder = folder.Path()};
  first.Run();
  Session other{.config = SmallConfig(R"({"model.hidden": [8]})"), .folder = folder.Path()};
  EXPECT_THROW(other.Run(), Error);
}

TEST(Training, EndsWhenTheLossIsNoNumber) {
  Session session{.config = SmallConfig(R"({"optimizer.type": "sgd", "optimizer.lr": 1e30})")};
  session.Run();
  EXPECT_EQ(session.end, TrainingEnd::kDiverged);
}

// One step that the training loss does not show yet, as it was taken before: weights that overflow.
TEST(Training, EndsBeforeItTellsAValidationThatIsNoNumber) {
  Session session{.config = SmallConfig(
                      R"({"optimizer.type": "sgd", "optimizer.lr": 1e36, "batch_size": 100,
                          "schedule": {"type": "constant"}})")};
  session.Run();
  EXPECT_EQ(session.end, TrainingEnd::kDiverged);
  EXPECT_TRUE(session.lines.empty());
}

TEST(Training, WhatWasToldBeforeItDivergedStays) {
  Session session{.config = SmallConfig(R"({"epochs": 50, "optimizer": {"type": "sgd",
      "lr": 3e37}, "schedule": {"type": "constant", "warmup": 40}, "model.hidden": [9, 9]})")};
  session.Run();
  EXPECT_EQ(session.end, TrainingEnd::kDiverged);
  for (const std::string& line : session.lines)
    for (const auto& [key, value] : ParseJson(line, "line").items())
      EXPECT_TRUE(value.is_number()) << key;
}

TEST(Training, RefusesABatchLargerThanTheDataWhenShortOnesAreDropped) {
  Session session{.config = SmallConfig(R"({"batch_size": 101, "drop_last": true})")};
  EXPECT_THROW(session.Run(), Error);
}

TEST(Training, TakesABatchLargerThanTheData) {
  Session session{.config = SmallConfig(R"({"batch_size": 1000})")};
  session.Run();
  EXPECT_EQ(ParseJson(session.lines[3], "line")["iteration"], 4);
}

}  // namespace training_test
}  // namespace ddl
