// SPDX-License-Identifier: Apache-2.0
// Real targets: losses, figures in the target's unit, and whole trainings.
#include "trainer/regression.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/error_figures.h"
#include "trainer/task.h"

namespace ddl {
namespace regression_test {

using testing::HasSubstr;

constexpr std::size_t kStride = 16;
constexpr TargetScale kScale{.mean = 10.0, .deviation = 4.0};

std::vector<std::int32_t> LabelsOf(const std::vector<float>& targets) {
  std::vector<std::int32_t> labels;
  std::ranges::transform(targets, std::back_inserter(labels), LabelOfTarget);
  return labels;
}

// Mean loss as its definition says, in double.
double Reference(LossKind kind, double delta, const std::vector<double>& answers,
                 const std::vector<float>& targets) {
  double sum = 0.0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const double d =
        answers[i] - (static_cast<double>(targets[i]) - kScale.mean) / kScale.deviation;
    const bool is_near = std::abs(d) <= delta;
    if (kind == LossKind::kSquares) sum += d * d;
    if (kind == LossKind::kDistances) sum += std::abs(d);
    if (kind == LossKind::kHuber) sum += is_near ? d * d / 2 : delta * (std::abs(d) - delta / 2);
  }
  return sum / static_cast<double>(answers.size());
}

class Losses : public testing::TestWithParam<LossKind> {};

TEST_P(Losses, GradientIsThatOfFiniteDifferences) {
  const std::vector<float> targets{10.0F, 14.5F, -3.0F, 11.0F, 40.0F};
  const std::vector<double> answers{0.5, 0.25, -4.0, 0.375, 2.0};
  constexpr double kDelta = 1.5;
  const std::vector<std::int32_t> labels = LabelsOf(targets);
  const RegressionTargets wanted{
      .labels = labels.data(), .kind = GetParam(), .delta = kDelta, .scale = kScale};
  std::vector<float> lines(targets.size() * kStride, 7.0F);
  for (std::size_t i = 0; i < answers.size(); ++i)
    lines[i * kStride] = static_cast<float>(answers[i]);
  const BatchScore score = RegressionScore({.rows = 5, .stride = kStride}, wanted, lines.data());
  EXPECT_NEAR(score.loss_sum / 5.0, Reference(GetParam(), kDelta, answers, targets), 1e-12);
  const BatchScore again = RegressionGradient({.rows = 5, .stride = kStride}, wanted, lines.data());
  EXPECT_EQ(again.loss_sum, score.loss_sum);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    constexpr double kStep = 1e-6;
    std::vector<double> up = answers;
    std::vector<double> down = answers;
    up[i] += kStep;
    down[i] -= kStep;
    const double slope = (Reference(GetParam(), kDelta, up, targets) -
                          Reference(GetParam(), kDelta, down, targets)) /
                         (2 * kStep);
    EXPECT_NEAR(lines[i * kStride], slope, 1e-6) << i;
    EXPECT_EQ(lines[i * kStride + 1], 0.0F) << "padding stays zero";
  }
}

INSTANTIATE_TEST_SUITE_P(Regression, Losses,
                         testing::Values(LossKind::kSquares, LossKind::kDistances,
                                         LossKind::kHuber));

// scikit-learn's documentation of r2_score and mean_absolute_error: targets 3, -0.5, 2, 7 and
// predictions 2.5, 0, 2, 8 give R2 0.948…, mean absolute error 0.5 and mean squared error 0.375.
TEST(Regression, FiguresAreThePublishedOnes) {
  const std::vector<std::int32_t> labels = LabelsOf({3.0F, -0.5F, 2.0F, 7.0F});
  const std::array<float, 4> predicted{2.5F, 0.0F, 2.0F, 8.0F};
  std::vector<float> lines(4 * kStride);
  for (std::size_t i = 0; i < 4; ++i)
    lines[i * kStride] = static_cast<float>((static_cast<double>(predicted[i]) - 10.0) / 4.0);
  const BatchScore score = RegressionScore(
      {.rows = 4, .stride = kStride}, {.labels = labels.data(), .scale = kScale}, lines.data());
  const Quality quality = RegressionQuality(score);
  EXPECT_NEAR(quality.errors->r2.value(), 0.9486081370449679, 1e-12);
  EXPECT_NEAR(quality.errors->mae, 0.5, 1e-12);
  EXPECT_NEAR(quality.errors->rmse, std::sqrt(0.375), 1e-12);
}

TEST(Regression, ShareOfAConstantTargetIsNotTold) {
  const std::vector<std::int32_t> labels = LabelsOf({3.0F, 3.0F});
  const std::vector<float> lines(2 * kStride);
  const BatchScore score =
      RegressionScore({.rows = 2, .stride = kStride}, {.labels = labels.data()}, lines.data());
  EXPECT_FALSE(RegressionQuality(score).errors->r2);
}

// Sums of the same number are rounded, each in its own way.
TEST(Regression, HowOftenAConstantTargetIsSummedDoesNotMatter) {
  for (std::size_t rows = 1; rows < 300; ++rows) {
    const float target = 0.1F * static_cast<float>(rows);
    const std::vector<std::int32_t> labels(rows, LabelOfTarget(target));
    const std::vector<float> lines(rows * kStride);
    const TargetScale scale{.mean = 1.0 / 3.0};
    const BatchScore score = RegressionScore(
        {.rows = rows, .stride = kStride}, {.labels = labels.data(), .scale = scale}, lines.data());
    EXPECT_FALSE(RegressionQuality(score).errors->r2) << rows;
  }
}

TEST(Regression, ASmallSpreadFarFromTheMeanIsTold) {
  const std::vector<std::int32_t> labels = LabelsOf({1000.0F, 1000.25F, 1000.5F});
  const std::vector<float> lines(3 * kStride);
  const BatchScore score =
      RegressionScore({.rows = 3, .stride = kStride}, {.labels = labels.data()}, lines.data());
  EXPECT_TRUE(RegressionQuality(score).errors->r2);
}

TEST(Regression, QuantilesAndTheLargestErrorsAreToldAtTheEnd) {
  std::vector<RowError> errors;
  for (std::uint32_t row = 0; row < 100; ++row)
    errors.push_back({.row = row, .target = 0.0F, .predicted = static_cast<float>(row + 1)});
  errors[3].target = 1.0F;
  const Json json = ErrorFiguresJson("test", errors);
  EXPECT_EQ(json.at("quantiles").at("0.5"), 50.0);
  EXPECT_EQ(json.at("quantiles").at("0.9"), 90.0);
  EXPECT_EQ(json.at("quantiles").at("1"), 100.0);
  EXPECT_EQ(json.at("largest").size(), kMostLargestErrors);
  EXPECT_EQ(json.at("largest").at(0).at("row"), 99);
  EXPECT_THAT(ErrorFiguresText("test", errors), HasSubstr("that of row 99: 0, predicted 100"));
}

// y = 3 a - 2 b + noise, moved and stretched.
class RegressionTraining : public testing::Test {
 protected:
  std::string Write(const std::string& name, unsigned seed, int rows, double factor,
                    double offset) const {
    std::ofstream file(folder_.Path() / name);
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    file << "a,b,y\n";
    for (int row = 0; row < rows; ++row) {
      const double a = normal(random);
      const double b = normal(random);
      file << a << "," << b << "," << offset + factor * (3 * a - 2 * b + 0.1 * normal(random))
           << "\n";
    }
    return folder_.Path() / name;
  }

  [[nodiscard]] Session Begin(const std::string& train, const std::string& test,
                              const std::string& changes = "{}") {
    Json mapping = ParseJson(R"({"model": "softmax", "epochs": 20, "batch_size": 16,
        "optimizer": {"type": "adam", "lr": 0.02}, "loss": "mse"})",
                             "test");
    mapping["data"] = {{"type", "csv"}, {"train", train}, {"test", test}, {"labels", "real"}};
    Override(mapping, ParseJson(changes, "test"));
    Session session{.config = ReadTrainerConfig(mapping)};
    datasets_.push_back(
        std::make_unique<Dataset>(LoadDataset(session.config.data, {.cache = cache_})));
    session.batches = MakeBatches(session.config, *datasets_.back());
    return session;
  }

  static double Figure(const std::string& line, const char* key) {
    return ParseJson(line, "line").at(key).get<double>();
  }

  TrainerFolder folder_;
  std::string cache_;
  std::vector<std::unique_ptr<Dataset>> datasets_;
};

TEST_F(RegressionTraining, FindsTheLineAndTellsErrorsInTheTargetsUnit) {
  for (const char* loss : {"mse", "mae", "huber"}) {
    Session session = Begin(Write("train", 1, 300, 1000, 5e5), Write("test", 2, 100, 1000, 5e5),
                            std::string(R"({"loss": ")") + loss + "\"}");
    session.Run();
    ASSERT_EQ(session.lines.size(), 21U);
    EXPECT_NEAR(Figure(session.lines.back(), "test_rmse"), 100.0, 25.0) << "the noise";
    EXPECT_GT(Figure(session.lines.back(), "test_r2"), 0.99);
    EXPECT_LT(Figure(session.lines[19], "val_mae"), 130.0);
    EXPECT_FALSE(ParseJson(session.lines[0], "line").contains("val_accuracy"));
    EXPECT_FALSE(ParseJson(session.lines[0], "line").contains("train_accuracy"));
    EXPECT_THAT(session.notes.back(), HasSubstr("100 rows of test: RMSE"));
  }
}

// Powers of two scale without rounding, so that the network sees the same numbers.
TEST_F(RegressionTraining, AUnitChangesFiguresAndNothingElse) {
  Session small = Begin(Write("train", 1, 200, 1, 0), Write("test", 2, 50, 1, 0));
  small.Run();
  std::ifstream read(folder_.Path() / "train");
  std::ofstream large_file(folder_.Path() / "large");
  std::string line;
  std::getline(read, line);
  large_file << line << "\n";
  while (std::getline(read, line)) {
    const std::size_t comma = line.rfind(',');
    const float target = std::stof(line.substr(comma + 1)) * 1024.0F;
    large_file << line.substr(0, comma + 1) << fmt::format("{}", target) << "\n";
  }
  large_file.close();
  Session large = Begin(folder_.Path() / "large", "");
  large.Run();
  EXPECT_EQ(small.state, large.state);
  EXPECT_EQ(Figure(small.lines[5], "val_loss"), Figure(large.lines[5], "val_loss"));
  EXPECT_NEAR(Figure(small.lines[5], "val_rmse") * 1024, Figure(large.lines[5], "val_rmse"), 1e-3);
}

TEST_F(RegressionTraining, ContinuesBitForBitAndKeepsTheLowestLossAsBest) {
  const std::string train = Write("train", 1, 200, 2, 7);
  const std::string changes = R"({"optimizer.lr": 0.3, "checkpoint.keep_last": 100,
      "model": {"type": "mlp", "hidden": [8]}})";
  const TrainerFolder whole_folder;
  Session whole = Begin(train, "", changes);
  whole.folder = whole_folder.Path();
  whole.Run();
  std::vector<double> losses;
  for (const std::string& line : whole.lines)
    losses.push_back(Figure(line, "val_loss"));
  const auto best = std::ranges::min_element(losses) - losses.begin();
  EXPECT_NE(best, 19) << "else the last would pass for the best";
  const auto read = ReadCheckpoint(whole_folder.Path() / "best.ckpt");
  EXPECT_EQ(std::get<Checkpoint>(read).header.clock.epoch, static_cast<std::uint64_t>(best + 1));
  for (const int steps : {5, 57, 200}) {
    const TrainerFolder folder;
    Session before = Begin(train, "", changes);
    before.folder = folder.Path();
    before.stop_after_steps = steps;
    before.Run();
    Session after = Begin(train, "", changes);
    after.folder = folder.Path();
    after.Run();
    EXPECT_EQ(after.state, whole.state);
    const auto again = ReadCheckpoint(folder.Path() / "best.ckpt");
    EXPECT_EQ(std::get<Checkpoint>(again).header.clock.epoch, static_cast<std::uint64_t>(best + 1));
  }
}

// The network answers two hundred deviations of a target whose float ends at 1.13: the loss is a
// number, the prediction is none.
TEST_F(RegressionTraining, EndsWhenAnErrorInTheTargetsUnitIsNoNumber) {
  std::ofstream file(folder_.Path() / "huge");
  for (int row = 0; row < 40; ++row)
    file << (row % 2 == 0 ? "1,3e38\n" : "-1,-3e38\n");
  file.close();
  const std::string path = folder_.Path() / "huge";
  const std::string changes =
      R"("batch_size": 40, "epochs": 1, "optimizer": {"type": "sgd", "lr": 100}})";
  Session validated = Begin(path, "", "{" + changes);
  validated.Run();
  EXPECT_EQ(validated.end, TrainingEnd::kDiverged);
  EXPECT_TRUE(validated.lines.empty());
  Session tested = Begin(path, path, R"({"validation": 0, )" + changes);
  tested.Run();
  EXPECT_EQ(tested.end, TrainingEnd::kDiverged);
  ASSERT_EQ(tested.lines.size(), 1U) << "of the epoch, and none of the test";
  EXPECT_TRUE(ParseJson(tested.lines[0], "line").at("train_loss").is_number());
}

TEST_F(RegressionTraining, StopsEarlyByTheLoss) {
  Session session =
      Begin(Write("train", 1, 200, 2, 7), "", R"({"early_stopping.patience": 2, "epochs": 500})");
  session.Run();
  EXPECT_LT(session.lines.size(), 400U);
  EXPECT_THAT(session.notes, testing::Contains(HasSubstr("val_loss was best")));
}

TEST_F(RegressionTraining, PredictionsAreInTheTargetsUnit) {
  cache_ = folder_.Path() / "cache";  // prepared and mapped, not in memory
  Session session = Begin(Write("train", 1, 200, 1000, 5e5), Write("test", 2, 50, 1000, 5e5),
                          R"({"keep": "predictions"})");
  session.output = folder_.Path();
  session.Run();
  const auto read = ReadPredictions(folder_.Path() / kPredictionsFile);
  ASSERT_TRUE(std::holds_alternative<Predictions>(read));
  const Predictions& kept = std::get<Predictions>(read);
  EXPECT_TRUE(kept.is_regression);
  ASSERT_EQ(kept.test.rows.size(), 50U);
  double squares = 0.0;
  for (std::size_t i = 0; i < 50; ++i) {
    const double error =
        static_cast<double>(kept.test.outputs[i]) - static_cast<double>(kept.test.targets[i]);
    squares += error * error;
    EXPECT_EQ(LabelOfTarget(kept.test.targets[i]), datasets_.back()->test.labels[i]);
  }
  EXPECT_DOUBLE_EQ(std::sqrt(squares / 50), Figure(session.lines.back(), "test_rmse"));
}

TEST_F(RegressionTraining, BlocksGiveTheScaleOfAllTrainingRows) {
  const std::string train = Write("train", 1, 200, 1000, 5e5);
  const Session whole = Begin(train, "", R"({"validation": 0})");
  const Session blocks = Begin(train, "", R"({"validation": 0, "shuffle": "none"})");
  EXPECT_EQ(whole.batches.target.mean, blocks.batches.target.mean);
  EXPECT_EQ(whole.batches.target.deviation, blocks.batches.target.deviation);
  EXPECT_NEAR(whole.batches.target.mean, 5e5, 1000);
  EXPECT_NEAR(whole.batches.target.deviation, 1000 * std::sqrt(13.01), 500);
}

TEST_F(RegressionTraining, RefusesWhatDoesNotBelongTogether) {
  const auto complaint = [](const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string train = Write("train", 1, 50, 1, 0);
  EXPECT_THAT(complaint([&] { Begin(train, "", R"({"loss": "cross-entropy"})").Run(); }),
              HasSubstr("cross-entropy of real targets"));
  EXPECT_THAT(complaint([&] {
                Session session{.config = SmallConfig(R"({"loss": "mse"})")};
                session.Run();
              }),
              HasSubstr("say labels: real of the data"));
  EXPECT_THAT(complaint([] { (void)SmallConfig(R"({"loss": {"type": "mse", "delta": 1}})"); }),
              HasSubstr("loss.delta: unknown key"));
  EXPECT_THAT(
      complaint([] { (void)SmallConfig(R"({"loss": {"type": "mae", "label_smoothing": 0.1}})"); }),
      HasSubstr("loss.label_smoothing: unknown key"));
  EXPECT_THAT(complaint([] {
                (void)SmallConfig(R"({"loss": "mse", "early_stopping.metric": "val_accuracy"})");
              }),
              HasSubstr("the accuracy of a regression; write val_loss"));
  std::ofstream(folder_.Path() / "words") << "1,2\n3,many\n";
  EXPECT_THAT(complaint([&] { (void)Begin(folder_.Path() / "words", ""); }),
              HasSubstr("words:2: the target 'many' is no finite number"));
}

TEST_F(RegressionTraining, NpyTargetsMayBeOfAnyType) {
  const auto write = [&](const char* name, const std::string& header, const std::string& bytes) {
    std::string padded = header;
    padded.resize(118, ' ');
    std::ofstream(folder_.Path() / name, std::ios::binary)
        << std::string("\x93NUMPY\x01\x00", 8) << '\x76' << '\0' << padded << bytes;
  };
  const std::array<float, 4> features{1, 2, 3, 4};
  const std::array<double, 4> targets{0.5, -1.5, 2.25, 1e10};
  write("x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1), }",
        {reinterpret_cast<const char*>(features.data()), sizeof features});
  write("y.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }",
        {reinterpret_cast<const char*>(targets.data()), sizeof targets});
  Json data{{"type", "npy"},
            {"train_features", (folder_.Path() / "x.npy").string()},
            {"train_labels", (folder_.Path() / "y.npy").string()}};
  EXPECT_THROW((void)LoadDataset(data, {}), Error);
  data["labels"] = "real";
  const Dataset dataset = LoadDataset(data, {});
  ASSERT_EQ(dataset.train.labels.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(RealTarget(dataset.train.labels[i]), static_cast<float>(targets[i]));
  EXPECT_TRUE(NotesOn(dataset).empty());
}

}  // namespace regression_test
}  // namespace ddl
