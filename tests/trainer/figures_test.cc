// SPDX-License-Identifier: Apache-2.0
// Confusion and the figures made of it.
#include "trainer/figures.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace figures_test {

using testing::HasSubstr;
using testing::Not;

Confusion Of(std::size_t classes, const std::vector<std::vector<int>>& matrix) {
  Confusion confusion(classes);
  for (std::size_t label = 0; label < matrix.size(); ++label)
    for (std::size_t answer = 0; answer < matrix[label].size(); ++answer)
      for (int i = 0; i < matrix[label][answer]; ++i)
        confusion.Add(label, answer);
  return confusion;
}

// scikit-learn's user guide, "Classification report": y_true = [0, 1, 2, 2, 0],
// y_pred = [0, 0, 2, 1, 0] gives precision 0.67, 0, 1; recall 1, 0, 0.5; F1 0.80, 0, 0.67;
// accuracy 0.60 and macro F1 0.49.
TEST(Figures, AreThoseOfAPublishedReport) {
  const Confusion confusion = Of(3, {{2, 0, 0}, {1, 0, 0}, {0, 1, 1}});
  EXPECT_DOUBLE_EQ(*confusion.Of(0).precision, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(*confusion.Of(0).recall, 1.0);
  EXPECT_DOUBLE_EQ(*confusion.Of(0).f1, 0.8);
  EXPECT_DOUBLE_EQ(*confusion.Of(1).precision, 0.0);
  EXPECT_DOUBLE_EQ(*confusion.Of(1).f1, 0.0);
  EXPECT_DOUBLE_EQ(*confusion.Of(2).recall, 0.5);
  EXPECT_DOUBLE_EQ(*confusion.Of(2).f1, 2.0 / 3.0);
  EXPECT_EQ(confusion.Of(2).support, 2U);
  EXPECT_DOUBLE_EQ(confusion.Accuracy(), 0.6);
  EXPECT_NEAR(confusion.MacroF1(), 0.49, 0.005);
}

TEST(Figures, WhatHasNoDenominatorIsAbsent) {
  const Confusion confusion = Of(4, {{3, 1}, {0, 2}});
  EXPECT_FALSE(confusion.Of(2).precision);
  EXPECT_FALSE(confusion.Of(2).recall);
  EXPECT_FALSE(confusion.Of(2).f1);
  const Json json = FiguresJson(confusion, {.part = "test", .class_names = {}});
  EXPECT_TRUE(json.at("classes").at(2).at("precision").is_null());
  EXPECT_DOUBLE_EQ(confusion.MacroF1(), (*confusion.Of(0).f1 + *confusion.Of(1).f1) / 2.0);
  EXPECT_EQ(Confusion(2).Accuracy(), 0.0);
}

TEST(Figures, MistakesComeMostFrequentFirst) {
  const Confusion confusion = Of(3, {{5, 1, 3}, {3, 5, 0}, {0, 0, 5}});
  const std::vector<Mistake> mistakes = confusion.Mistakes(2);
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(mistakes[0].label, 0U);
  EXPECT_EQ(mistakes[0].answer, 2U);
  EXPECT_EQ(mistakes[1].label, 1U);
  EXPECT_EQ(mistakes[1].rows, 3U);
}

TEST(Figures, TheMatrixHasALineAClassAndIsLeftOutBeyondAHundred) {
  const Json small = FiguresJson(Of(2, {{3, 1}, {2, 4}}), {.part = "test", .class_names = {}});
  EXPECT_EQ(small.at("confusion"), (Json{{3, 1}, {2, 4}}));
  EXPECT_EQ(small.at("rows"), 10);
  const Json large = FiguresJson(Of(101, {{3, 1}}), {.part = "test", .class_names = {}});
  EXPECT_FALSE(large.contains("confusion"));
  EXPECT_EQ(large.at("classes").size(), 101U);
  EXPECT_EQ(large.at("mistakes"), (Json{{{"label", 0}, {"answer", 1}, {"rows", 1}}}));
}

TEST(Figures, TheTableNamesTheClassThatWasMeant) {
  const std::string table =
      FiguresTable(Of(2, {{3, 1}, {0, 4}}), {.part = "test", .class_names = {"Shirt", "a\nb"}});
  EXPECT_THAT(table, HasSubstr("8 rows of test: accuracy 0.8750"));
  EXPECT_THAT(table, HasSubstr("Shirt                        1.0000   0.7500   0.8571        4  "
                               "a?b 1"));
  EXPECT_THAT(table, testing::StartsWith("8"));  // no line of it is a metric line
}

TEST(Figures, TheTableOfManyClassesShowsTheWorstTwenty) {
  std::vector<std::vector<int>> matrix(30, std::vector<int>(30));
  for (std::size_t c = 0; c < 30; ++c)
    matrix[c][c] = 2;
  matrix[29][3] = 5;
  const std::string table = FiguresTable(Of(30, matrix), {.part = "test", .class_names = {}});
  EXPECT_EQ(std::ranges::count(table, '\n'), 21);
  EXPECT_THAT(table, HasSubstr("the 20 of 30 classes with the lowest F1"));
  EXPECT_THAT(table, HasSubstr("\n29 "));
  EXPECT_THAT(table, Not(HasSubstr("\n25 ")));
}

// Far more than the rows ever name; neither memory nor text grow with its square.
TEST(Figures, AHundredThousandClassesAreNoProblem) {
  Confusion confusion(100'000);
  confusion.Add(99'999, 5);
  EXPECT_EQ(confusion.Count(99'999, 5), 1U);
  EXPECT_LT(FiguresTable(confusion, {.part = "test", .class_names = {}}).size(), 1000U);
}

}  // namespace figures_test
}  // namespace ddl
