// SPDX-License-Identifier: Apache-2.0
#include "trainer/final_report.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/task.h"

namespace ddl {
namespace final_report_test {

using testing::HasSubstr;

std::string Contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Predictions Kept(const std::filesystem::path& folder) {
  const auto read = ReadPredictions(folder / kPredictionsFile);
  EXPECT_TRUE(std::holds_alternative<Predictions>(read));
  return std::get<Predictions>(read);
}

// As a reader of the file would compute it.
Quality QualityOf(const PartPredictions& part, std::size_t classes) {
  double loss_sum = 0.0;
  std::uint64_t right = 0;
  for (std::size_t i = 0; i < part.rows.size(); ++i) {
    const float* p = &part.outputs[i * classes];
    if (std::max_element(p, p + classes) - p == part.labels[i]) ++right;
    loss_sum -= std::log(static_cast<double>(p[part.labels[i]]));
  }
  return ClassQuality(loss_sum, right, part.rows.size());
}

double Figure(const std::string& line, const char* key) {
  return ParseJson(line, "line").at(key).get<double>();
}

TEST(FinalReport, PredictionsGiveTheReportedFigures) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(R"({"keep": "predictions", "epochs": 1})"),
                  .output = folder.Path() / "made"};
  session.Run();
  const Predictions kept = Kept(folder.Path() / "made");
  const Quality validation = QualityOf(kept.validation, 3);
  const Quality test = QualityOf(kept.test, 3);
  EXPECT_LT(validation.accuracy, 1.0) << "else a permutation of rows would pass";
  EXPECT_EQ(validation.accuracy, Figure(session.lines[0], "val_accuracy"));
  EXPECT_EQ(test.accuracy, Figure(session.lines[1], "test_accuracy"));
  EXPECT_NEAR(validation.loss, Figure(session.lines[0], "val_loss"), 1e-6);
  EXPECT_NEAR(test.loss, Figure(session.lines[1], "test_loss"), 1e-6);
  EXPECT_EQ(kept.epoch, 1U);
  EXPECT_EQ(kept.iteration, 7U);
  EXPECT_THAT(kept.training, HasSubstr("blobs (100 training rows)"));
}

TEST(FinalReport, AreOfTheAveragedWeightsWhereTheseAreReported) {
  const TrainerFolder folder;
  Session session{
      .config = SmallConfig(R"({"keep": "predictions", "epochs": 1, "ema_decay": 0.9})"),
      .output = folder.Path()};
  session.Run();
  EXPECT_NEAR(QualityOf(Kept(folder.Path()).test, 3).loss, Figure(session.lines[1], "test_loss"),
              1e-6);
}

TEST(FinalReport, AnInterruptedTrainingLeavesTheSameBytes) {
  const TrainerConfig config = SmallConfig(R"({"keep": "predictions"})");
  const TrainerFolder whole;
  Session once{.config = config, .output = whole.Path()};
  once.Run();
  const TrainerFolder folder;
  Session before{.config = config, .folder = folder.Path(), .stop_after_steps = 10};
  before.output = folder.Path();
  before.Run();
  EXPECT_FALSE(std::filesystem::exists(folder.Path() / kPredictionsFile));
  EXPECT_FALSE(std::filesystem::exists(folder.Path() / kFiguresFile));
  Session after{.config = config, .folder = folder.Path(), .output = folder.Path()};
  after.Run();
  for (const char* name : {kPredictionsFile, kFiguresFile}) {
    EXPECT_NE(Contents(whole.Path() / name), "");
    EXPECT_EQ(Contents(whole.Path() / name), Contents(folder.Path() / name)) << name;
  }
}

TEST(FinalReport, KeepsNoPredictionsUnasked) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(), .output = folder.Path()};
  session.Run();
  EXPECT_FALSE(std::filesystem::exists(folder.Path() / kPredictionsFile));
}

TEST(FinalReport, FiguresAreOfTheTestRows) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(), .output = folder.Path()};
  session.Run();
  const Json figures = ParseJson(Contents(folder.Path() / kFiguresFile), "figures");
  EXPECT_EQ(figures.at("part"), "test");
  EXPECT_EQ(figures.at("rows"), 30);
  EXPECT_EQ(figures.at("accuracy"), Figure(session.lines.back(), "test_accuracy"));
  EXPECT_EQ(figures.at("confusion").size(), 3U);
  EXPECT_THAT(session.notes.back(), HasSubstr("30 rows of test: accuracy"));
}

TEST(FinalReport, FiguresAreOfTheValidationRowsWhereThereIsNoTest) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(), .output = folder.Path()};
  session.batches.test = {};
  session.Run();
  const Json figures = ParseJson(Contents(folder.Path() / kFiguresFile), "figures");
  EXPECT_EQ(figures.at("part"), "validation");
  EXPECT_EQ(figures.at("accuracy"), Figure(session.lines.back(), "val_accuracy"));
}

TEST(FinalReport, SaysNothingWhereNothingWasMeasured) {
  const TrainerFolder folder;
  Session session{.config = SmallConfig(), .output = folder.Path()};
  session.batches.validation = {};
  session.batches.test = {};
  session.Run();
  EXPECT_FALSE(std::filesystem::exists(folder.Path() / kFiguresFile));
  EXPECT_EQ(session.notes.size(), 1U);
}

TEST(FinalReport, RefusesPredictionsBeforeTrainingWhereTheyCannotBeKept) {
  const auto complaint = [](Session session) {
    try {
      session.Run();
    } catch (const Error& error) {
      EXPECT_TRUE(session.lines.empty());
      return std::string(error.what());
    }
    return std::string();
  };
  const TrainerConfig config = SmallConfig(R"({"keep": "predictions"})");
  EXPECT_THAT(complaint({.config = config}), HasSubstr("name one by DDL_OUTPUT_DIR"));
  const TrainerFolder folder;
  Session large{.config = config, .output = folder.Path()};
  large.batches.test.rows = 150'000'000;
  EXPECT_THAT(complaint(large), HasSubstr("2861 MiB of predictions of 150000030 rows"));
}

// Rows are named as the data set numbers them, however it is cut.
TEST(FinalReport, RowsLeadBackToTheData) {
  for (const char* shuffle : {"full", "none"}) {
    const TrainerFolder folder;
    Session session{.config = SmallConfig(R"({"keep": "predictions", "epochs": 1,
        "data": {"type": "blobs", "rows": 90, "test_rows": 20, "classes": 3}})"),
                    .output = folder.Path()};
    session.config.shuffle.kind =
        std::string(shuffle) == "full" ? ShuffleKind::kFull : ShuffleKind::kNone;
    const Dataset dataset = LoadDataset(session.config.data, {});
    session.batches = MakeBatches(session.config, dataset);
    session.Run();
    const Predictions kept = Kept(folder.Path());
    ASSERT_EQ(kept.validation.rows.size(), 15U);
    EXPECT_GT(kept.validation.rows.back(), 14U) << "they were drawn";
    for (std::size_t i = 0; i < 15; ++i)
      EXPECT_EQ(kept.validation.labels[i], dataset.train.labels[kept.validation.rows[i]]);
    ASSERT_EQ(kept.test.rows.size(), 20U);
    EXPECT_EQ(kept.test.rows[7], 7U);
  }
}

TEST(FinalReport, ATextHasARowForEachCharacter) {
  const TrainerFolder folder;
  const std::string text = "to be, or not to be, that is the question: whether 'tis nobler";
  std::ofstream(folder.Path() / "text") << text;
  Json mapping = ParseJson(R"({"keep": "predictions", "validation": 0.4, "batch_size": 2,
      "model": {"type": "transformer", "depth": 1, "heads": 1, "width": 8}})",
                           "test");
  mapping["data"] = {
      {"type", "text"}, {"train", (folder.Path() / "text").string()}, {"context", 5}};
  Session session{.config = ReadTrainerConfig(mapping), .output = folder.Path()};
  const Dataset dataset = LoadDataset(session.config.data, {});
  session.batches = MakeBatches(session.config, dataset);
  session.Run();
  const PartPredictions kept = Kept(folder.Path()).validation;
  const std::size_t held_out = std::lround(0.4 * static_cast<double>(text.size()));
  ASSERT_EQ(kept.rows.size(), (held_out - 1) / 5 * 5);
  const std::string part = text.substr(text.size() - held_out);
  for (std::size_t i = 0; i < kept.rows.size(); ++i) {
    EXPECT_EQ(kept.rows[i], i);
    const std::string& name = dataset.class_names[static_cast<std::size_t>(kept.labels[i])];
    EXPECT_TRUE(name == std::string(1, part[i + 1]) || part[i + 1] == ' ');
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path() / kFiguresFile));
}

}  // namespace final_report_test
}  // namespace ddl
