// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace csv_test {

using testing::ElementsAre;
using testing::HasSubstr;

class Csv : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.Path() / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] Dataset Load(const Json& config) const {
    return LoadDataset(config, {.search = {folder_.Path()}, .cache = folder_.Path() / "cache"});
  }
  [[nodiscard]] Dataset LoadWith(const std::string& more) const {
    Json config{{"type", "csv"}, {"train", "t.csv"}};
    config.update(ParseJson(more, "test"));
    return Load(config);
  }
  [[nodiscard]] std::string Refusal(const Json& config) const {
    return folder_.RefusalOf([&] { (void)Load(config); });
  }
  static std::vector<float> RowOf(const Dataset& set, const Split& split, std::uint32_t row) {
    std::vector<float> out(set.features);
    GatherRows(split, std::vector<std::uint32_t>{row}, Affine{}, out);
    return out;
  }

  TrainerFolder folder_;
};

TEST_F(Csv, ComesWithAndWithoutHeader) {
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  Write("t.csv", "1,2.5,0\r\n3,-4e-1,1\r\n\n");
  Dataset set = Load(config);
  EXPECT_EQ(set.features, 2U);
  EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre(3.0F, -0.4F));
  Write("t.csv", "kind,\"width, cm\",height\niris,1,2\n\"da\"\"isy\",3,4\n");
  Json by_name = config;
  by_name["label"] = "kind";
  set = Load(by_name);
  EXPECT_THAT(set.class_names, ElementsAre("da\"isy", "iris"));
  EXPECT_THAT(set.train.labels, ElementsAre(1, 0));
  EXPECT_THAT(RowOf(set, set.train, 0), ElementsAre(1.0F, 2.0F));
}

TEST_F(Csv, FaultsNameFileAndLine) {
  struct Case {
    std::string text;
    Json more;
    std::string message;
  };
  const std::vector<Case> cases{
      {"", {}, "t.csv: no rows; name a file that has some"},
      {"a,b\n", {}, "t.csv: no rows; name a file that has some"},
      {"1\n2\n",
       {},
       "t.csv:1: one column alone; a row is features and a label; is the delimiter "
       "another one?"},
      {"1,2,0\n1,1\n",
       {},
       "t.csv:2: 2 fields, but 3 in the first row; give every row the same "
       "columns"},
      {"1,0\nx,1\n",
       {},
       "t.csv:2: field 1 is no finite number: 'x'; remove the row, or name the column in "
       "data.categories or data.ignore"},
      {"1,0\nnan,1\n",
       {},
       "t.csv:2: field 1 is missing: 'nan'; remove the row, or set data.missing to mean or drop"},
      {"1,0\n1e99,1\n",
       {},
       "t.csv:2: field 1 is no finite number: '1e99'; remove the row, or name the column in "
       "data.categories or data.ignore"},
      {"1,0\n2,\n",
       {},
       "t.csv:2: the label is missing: ''; remove the row, set data.missing to drop, or give the "
       "class another name"},
      {"1e99,0\n2,1\n",
       {},
       "t.csv:1: field 1 is no finite number: '1e99'; remove the row, or name the column in "
       "data.categories or data.ignore"},
      {"1,0\n\"2,1\n",
       {},
       "t.csv:2: a quote is open or stands within a field; write \"…\" around "
       "the whole field, and \"\" for a quote in it"},
      {"a,b\n1,0\n", {{"label", "c"}}, "t.csv:1: no column 'c'; its columns are: a, b"},
      {"1,0\n", {{"label", "c"}}, "t.csv:1: no column 'c'; a column by name needs a header row"},
      {"1,0\n2,0\n",
       {},
       "t.csv: 1 class; training a classifier needs labels of at least two "
       "classes"},
      {"1,0\n",
       {{"delimiter", "ab"}},
       "data.delimiter: 'ab' is no delimiter; give one character, "
       "such as ; or a tab"},
      {"1,0\n", {{"delimeter", ";"}}, "data.delimeter: unknown key; did you mean 'delimiter'?"},
  };
  for (const Case& one : cases) {
    Write("t.csv", one.text);
    Json config{{"type", "csv"}, {"train", "t.csv"}};
    if (one.more.is_object()) config.update(one.more);
    EXPECT_EQ(Refusal(config), one.message);
  }
}

TEST_F(Csv, TestRowsHaveTheClassesOfTheTrainingRows) {
  Write("t.csv", "1,cat\n2,dog\n");
  Write("e.csv", "1,cow\n");
  const Json config{{"type", "csv"}, {"train", "t.csv"}, {"test", "e.csv"}};
  EXPECT_EQ(Refusal(config),
            "e.csv:1: class 'cow' is in no training row; remove the row, or train on such rows "
            "too");
  Write("e.csv", "1,2,cat\n");
  EXPECT_EQ(Refusal(config),
            "e.csv:1: 3 columns, but 2 in the training file; training and test data must have the "
            "same columns");
  Write("t.csv", "a,b\n1,cat\n2,dog\n");
  Write("e.csv", "b,a\n1,cat\n");
  EXPECT_EQ(Refusal(config),
            "e.csv:1: it names other columns than the training file; those are: a, b");
}

TEST_F(Csv, CategoriesBecomeAFeatureEach) {
  Write("t.csv", "colour,size,kind\nred,1,a\nblue,2,b\nred,3,b\n");
  Write("e.csv", "colour,size,kind\nblue,5,a\n");
  const Dataset set = LoadWith(R"({"categories": ["colour"], "test": "e.csv"})");
  EXPECT_EQ(set.features, 3U);
  EXPECT_THAT(RowOf(set, set.train, 0), ElementsAre(0, 1, 1));
  EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre(1, 0, 2));
  EXPECT_THAT(RowOf(set, set.test, 0), ElementsAre(1, 0, 5));
  Write("t.csv", "red,1,a\nblue,2,b\n");
  EXPECT_THAT(
      RowOf(LoadWith(R"({"categories": [1]})"), LoadWith(R"({"categories": [1]})").train, 1),
      ElementsAre(1, 0, 2))
      << "by number, and no header is seen in them";
  EXPECT_THAT(LoadWith(R"({"categories": [1], "label": 3, "ignore": [2]})").features, 2U);
}

TEST_F(Csv, ConstantColumnsAreNamed) {
  Write("t.csv", "colour,size,kind\nred,1,a\nred,2,b\n");
  EXPECT_THAT(NotesOn(LoadWith(R"({"categories": ["colour"]})")),
              ElementsAre("1 of 2 features is the same in every training row: colour=red"));
}

TEST_F(Csv, MissingValuesAreToldFilledOrDropped) {
  Write("t.csv", "colour,size,kind\nred,1,a\n?,2,b\nblue,NA,b\nred,6,b\n");
  Write("e.csv", "colour,size,kind\nred,,a\n");
  const Json config = ParseJson(
      R"({"type": "csv", "train": "t.csv", "test": "e.csv", "categories": ["colour"]})", "test");
  EXPECT_EQ(Refusal(config),
            "t.csv:3: field 1 is missing: '?'; remove the row, or set data.missing to mean or "
            "drop");
  Json filled = config;
  filled["missing"] = "mean";
  const Dataset mean = Load(filled);
  EXPECT_THAT(RowOf(mean, mean.train, 1), ElementsAre(0, 0, 2)) << "no colour";
  EXPECT_THAT(RowOf(mean, mean.train, 2), ElementsAre(1, 0, 3)) << "the mean of 1, 2 and 6";
  EXPECT_THAT(RowOf(mean, mean.test, 0), ElementsAre(0, 1, 3)) << "of the training file";
  filled["missing"] = "drop";
  EXPECT_EQ(Refusal(filled), "e.csv: no rows; name a file that has some");
  filled.erase("test");
  const Dataset dropped = Load(filled);
  EXPECT_EQ(dropped.train.Rows(), 2U);
  EXPECT_THAT(RowOf(dropped, dropped.train, 1), ElementsAre(1, 6));
}

TEST_F(Csv, ALabelMayBeMissingAsWell) {
  Write("t.csv", "1,cat\n2,NA\n3,dog\n4,?\n5,\n");
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  const std::string message =
      "t.csv:2: the label is missing: 'NA'; remove the row, set data.missing to drop, or give the "
      "class another name";
  EXPECT_EQ(Refusal(config), message);
  EXPECT_EQ(Refusal({{"type", "csv"}, {"train", "t.csv"}, {"missing", "mean"}}), message);
  const Dataset set = LoadWith(R"({"missing": "drop"})");
  EXPECT_THAT(set.class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(set.train.labels, ElementsAre(0, 1));
  Write("t.csv", "1,0.5\n2,nan\n3,1.5\n");
  EXPECT_EQ(LoadWith(R"({"labels": "real", "missing": "drop"})").train.Rows(), 2U);
  Json real = config;
  real["labels"] = "real";
  EXPECT_THAT(Refusal(real), HasSubstr("t.csv:2: the label is missing: 'nan'"));
}

TEST_F(Csv, NumbersBelowTheSmallestFloatAreZero) {
  Write("t.csv", "1e-46,-1e-400,0\n2,1e-40,1\n");
  const Dataset set = LoadWith("{}");
  EXPECT_EQ(set.train.Rows(), 2U) << "the first row names no columns";
  EXPECT_THAT(RowOf(set, set.train, 0), ElementsAre(0.0F, 0.0F));
  EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre(2.0F, 1e-40F));
  Write("t.csv", "1,2,1e-60\n2,1,-1e99\n");
  EXPECT_THAT(Refusal({{"type", "csv"}, {"train", "t.csv"}, {"labels", "real"}}),
              HasSubstr("t.csv:2: the target '-1e99' is no finite number"));
}

TEST_F(Csv, AByteOrderMarkIsNoPartOfTheFirstField) {
  const std::string mark = "\xEF\xBB\xBF";
  Write("t.csv", mark + "\"a\",b,kind\n1,2,x\n3,4,y\n");
  const Dataset named = LoadWith(R"({"ignore": ["a"]})");
  EXPECT_THAT(RowOf(named, named.train, 1), ElementsAre(4.0F));
  Write("t.csv", mark + "1,2,x\n3,4,y\n");
  EXPECT_EQ(LoadWith("{}").train.Rows(), 2U);
}

// A tab that ends a quoted field is no blank behind it.
TEST_F(Csv, QuotedFieldsMayBePartedByTabsAndBlanks) {
  Write("t.csv", "\"a\"\tb\t\"kind\"\t\n1\t\"2\"\t\"x\"\t5\r\n\"3\"\t\"4\"\t\"y\"\t6\n");
  const Dataset tabs = LoadWith(R"({"delimiter": "\t", "label": "kind"})");
  EXPECT_THAT(tabs.class_names, ElementsAre("x", "y"));
  EXPECT_THAT(RowOf(tabs, tabs.train, 1), ElementsAre(3, 4, 6));
  Write("t.csv", "\"1\" \"2\" \"x\"\n\"3\" \"4\" \"y\"\n");
  const Dataset blanks = LoadWith(R"({"delimiter": " "})");
  EXPECT_THAT(RowOf(blanks, blanks.train, 1), ElementsAre(3, 4));
  Write("t.csv", "\"1\" ,\"2\"\t,\"x\" \r\n\"3\",\"4\",\"y\"\n");
  EXPECT_THAT(LoadWith("{}").class_names, ElementsAre("x", "y"));
}

TEST_F(Csv, ColumnsThatDoNotFitAreRefused) {
  Write("t.csv", "colour,size,kind\nred,1,a\nblue,2,b\ngreen,3,b\n");
  Write("e.csv", "colour,size,kind\npink,5,a\n");
  const auto refusal = [this](const std::string& more) {
    Json config{{"type", "csv"}, {"train", "t.csv"}};
    config.update(ParseJson(more, "test"));
    return Refusal(config);
  };
  EXPECT_EQ(refusal(R"({"categories": ["colour"], "most_categories": 2})"),
            "t.csv:4: column 'colour' has more than 2 categories; put it into data.ignore, or "
            "raise data.most_categories");
  EXPECT_EQ(refusal(R"({"categories": ["colour"], "test": "e.csv"})"),
            "e.csv:2: 'pink' in column 'colour' is in no training row; remove the row, or train "
            "on such rows too");
  EXPECT_EQ(refusal(R"({"categories": ["shape"]})"),
            "t.csv:1: no column 'shape'; its columns are: colour, size, kind");
  EXPECT_EQ(refusal(R"({"ignore": ["kind"]})"),
            "t.csv:1: column 'kind' is the label; take it out of categories and ignore, or name "
            "another label");
  EXPECT_EQ(refusal(R"({"ignore": ["colour", "size"]})"),
            "t.csv: no features; name data that has some");
  EXPECT_EQ(refusal(R"({"ignore": "colour"})"),
            "data.ignore: \"colour\" is no list; write columns in brackets: [colour, size]");
  EXPECT_THAT(refusal(R"({"missing": "median"})"), HasSubstr("choose one of: error, mean, drop"));
}

TEST_F(Csv, LabelsOfTestRowsMustBeClasses) {
  Write("t.csv", "1,0\n2,1\n");
  Write("e.csv", "1,2\n");
  EXPECT_EQ(Refusal({{"type", "csv"}, {"train", "t.csv"}, {"test", "e.csv"}}),
            "e.csv:1: label '2' is no class number below 2; the training rows number their "
            "classes");
}

TEST_F(Csv, ManyRowsComeInTheirOrder) {
  std::string text;
  for (int i = 0; i < 200'000; ++i)
    text += std::to_string(i) + "," + std::to_string(i % 3) + "\n";
  Write("t.csv", text);
  const Dataset set = LoadWith("{}");
  ASSERT_EQ(set.train.Rows(), 200'000U);
  for (const std::uint32_t row : {0U, 65'535U, 65'536U, 199'999U}) {
    EXPECT_THAT(RowOf(set, set.train, row), ElementsAre(static_cast<float>(row)));
    EXPECT_EQ(set.train.labels[row], static_cast<std::int32_t>(row % 3));
  }
}

}  // namespace csv_test
}  // namespace ddl
