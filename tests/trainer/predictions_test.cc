// SPDX-License-Identifier: Apache-2.0
#include "trainer/predictions.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/sealed_file.h"

namespace ddl {
namespace predictions_test {

using testing::HasSubstr;

Predictions Sample() {
  return {.training = "blobs, mlp",
          .arithmetic = "oneDNN",
          .data = "blobs",
          .epoch = 3,
          .iteration = 21,
          .class_names = {"cat", "dog"},
          .outputs = 2,
          .validation = {.rows = {4, 9}, .labels = {0, 1}, .outputs = {0.75F, 0.25F, 1.0F, 0.0F}},
          .test = {.rows = {0}, .labels = {1}, .outputs = {0.125F, 0.875F}}};
}

Predictions SampleValues() {
  return {.training = "house prices",
          .data = "csv",
          .is_regression = true,
          .outputs = 1,
          .validation = {.rows = {1}, .targets = {350.5F}, .outputs = {349.0F}}};
}

class PredictionsFile : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path Path() const { return folder_.Path() / "predictions.bin"; }
  // "" for a file that is whole.
  [[nodiscard]] std::string Complaint() const {
    const auto read = ReadPredictions(Path());
    const auto* damaged = std::get_if<DamagedPredictions>(&read);
    return damaged == nullptr ? "" : damaged->why;
  }
  [[nodiscard]] std::string Complaint(const Predictions& predictions) const {
    WritePredictions(Path(), predictions);
    return Complaint();
  }
  [[nodiscard]] std::string Bytes() const {
    std::ifstream file(Path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void Put(const std::string& bytes) const { std::ofstream(Path(), std::ios::binary) << bytes; }

  TrainerFolder folder_;
};

TEST_F(PredictionsFile, ReadsBackWhatWasWritten) {
  for (const Predictions& predictions : {Sample(), SampleValues()}) {
    WritePredictions(Path(), predictions);
    const auto read = ReadPredictions(Path());
    ASSERT_TRUE(std::holds_alternative<Predictions>(read)) << Complaint();
    EXPECT_EQ(std::get<Predictions>(read), predictions);
  }
}

TEST_F(PredictionsFile, TakesEightBytesARowAndFourAnOutput) {
  WritePredictions(Path(), Sample());
  const std::size_t two_classes = Bytes().size();
  Predictions longer = Sample();
  longer.test = {.rows = {0, 7}, .labels = {1, 0}, .outputs = {0.125F, 0.875F, 1.0F, 0.0F}};
  WritePredictions(Path(), longer);
  EXPECT_EQ(Bytes().size(), two_classes + 8 + 4 * 2);
  EXPECT_EQ(PredictionBytes(20'000, 10), 20'000U * 48);
}

TEST_F(PredictionsFile, NoBeginningAndNoChangedBytePasses) {
  WritePredictions(Path(), Sample());
  const std::string whole = Bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Put(whole.substr(0, size));
    EXPECT_NE(Complaint(), "") << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    Put(flipped);
    EXPECT_NE(Complaint(), "") << i;
  }
}

TEST_F(PredictionsFile, AFileOfAnotherKindIsNamed) {
  Put("ddl ckpt" + std::string(40, '\0'));
  EXPECT_EQ(Complaint(), "not a file of predictions, or cut short");
}

TEST_F(PredictionsFile, ForeignWritersAreChecked) {
  Predictions wrong = Sample();
  wrong.validation.rows = {9, 9};
  EXPECT_EQ(Complaint(wrong), "its rows do not ascend");
  wrong = Sample();
  wrong.test.labels = {2};
  EXPECT_EQ(Complaint(wrong), "label 2 is not below 2");
  wrong = Sample();
  wrong.test.outputs = {0.5F, 0.6F};
  EXPECT_EQ(Complaint(wrong), "the numbers of row 0 are no probabilities");
  wrong.test.outputs = {-0.5F, 1.5F};
  EXPECT_EQ(Complaint(wrong), "the numbers of row 0 are no probabilities");
  wrong = Sample();
  wrong.class_names = {"cat"};
  EXPECT_EQ(Complaint(wrong), "it does not name every class");
  wrong = SampleValues();
  wrong.validation.outputs = {std::numeric_limits<float>::infinity()};
  EXPECT_EQ(Complaint(wrong), "a value is not finite");
}

// 2^32 - 1 rows of 2^32 - 1 numbers: their product is beyond 64 bits.
TEST_F(PredictionsFile, SizesThatOverflowAreSeen) {
  std::string bytes = BeginSealed({.magic = "ddl pred", .version = 1, .what = ""},
                                  {{"training", ""},
                                   {"arithmetic", ""},
                                   {"data", ""},
                                   {"epoch", 1},
                                   {"iteration", 1},
                                   {"class_names", Json::array()},
                                   {"kind", "values"},
                                   {"outputs", 4294967295U},
                                   {"validation", 4294967295U},
                                   {"test", 4294967295U}},
                                  0);
  bytes += std::string(64, '\0');
  Seal(bytes);
  Put(bytes);
  EXPECT_EQ(Complaint(), "its size is not what its header says");
}

TEST_F(PredictionsFile, WhatCannotBeWrittenIsAnErrorOfTheMachine) {
  try {
    WritePredictions(folder_.Path() / "missing" / "predictions.bin", Sample());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.Kind(), ErrorKind::kInfrastructure);
    EXPECT_THAT(error.what(), HasSubstr("missing/predictions.bin"));
  }
}

}  // namespace predictions_test
}  // namespace ddl
