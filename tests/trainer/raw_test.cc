// SPDX-License-Identifier: Apache-2.0
#include "trainer/raw.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace raw_test {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;  // NOLINT(google-build-using-namespace): texts with zeros

class Raw : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.Path() / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] Dataset Load(const std::string& more = "{}") const {
    Json config{{"type", "raw"}, {"train", "r"}};
    config.update(ParseJson(more, "test"));
    return LoadDataset(config, {.search = {folder_.Path()}, .cache = folder_.Path() / "cache"});
  }
  [[nodiscard]] std::string Refusal(const std::string& more = "{}") const {
    return folder_.RefusalOf([&] { (void)Load(more); });
  }
  static std::vector<float> RowOf(const Dataset& set, const Split& split, std::uint32_t row) {
    std::vector<float> out(set.features);
    GatherRows(split, std::vector<std::uint32_t>{row}, Affine{}, out);
    return out;
  }

  TrainerFolder folder_;
};

TEST_F(Raw, PlanesBecomeChannelsAndLabelsLieBefore) {
  Write("r.json", R"({"dtype": "u1", "shape": [3, 1, 2], "planes_first": true, "classes": 2})");
  Write("r", "\1rRgGbB\0uUvVwW"s);
  Write("t", "\1aAbBcC"s);
  const Dataset set = Load(R"({"test": "t"})");
  EXPECT_THAT(set.shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(RowOf(set, set.train, 0), ElementsAre('r', 'g', 'b', 'R', 'G', 'B'));
  EXPECT_THAT(set.train.labels, ElementsAre(1, 0));
  EXPECT_THAT(RowOf(set, set.test, 0), ElementsAre('a', 'b', 'c', 'A', 'B', 'C'));
}

TEST_F(Raw, LabelsLieBehindOrInAFileOfTheirOwn) {
  Write("r.json", R"({"dtype": "i2", "shape": [2], "byte_order": "big", "header_bytes": 2,
                      "label": {"place": "behind", "dtype": "u2"}, "class_names": ["a", "b"]})");
  Write("r", "##\0\1\xff\xff\0\1\0\3\0\2\0\0"s);
  const Dataset behind = Load();
  EXPECT_THAT(RowOf(behind, behind.train, 0), ElementsAre(1, -1));
  EXPECT_THAT(behind.train.labels, ElementsAre(1, 0));
  EXPECT_THAT(behind.class_names, ElementsAre("a", "b"));
  Write("s.json", R"({"dtype": "f8", "shape": [1], "classes": 300,
                      "label": {"place": "file", "dtype": "i4"}})");
  const std::vector<double> values{0.5, -2.0};
  Write("r", {reinterpret_cast<const char*>(values.data()), 16});
  Write("l", "\x2b\1\0\0\0\0\0\0"s);
  const Dataset apart = Load(R"({"sidecar": "s.json", "train_labels": "l"})");
  EXPECT_THAT(RowOf(apart, apart.train, 1), ElementsAre(-2.0F));
  EXPECT_THAT(apart.train.labels, ElementsAre(299, 0));
}

TEST_F(Raw, FaultsNameFileAndRowOrKey) {
  const std::string good = R"({"dtype": "u1", "shape": [2], "classes": 2})";
  Write("t", "\0ab\2cd"s);
  struct Case {
    std::string sidecar, records, more, message;
  };
  const std::vector<Case> cases{
      {good, "\0ab\1c"s, "{}",
       "r: 5 bytes are 2 behind 1 records of 3; do dtype, shape, label and header_bytes of its "
       "sidecar fit the file?"},
      {good, "\0ab\1cd\4ef"s, "{}",
       "r: row 3: label 4 is not below 2; labels are whole numbers from 0 to 1"},
      {good, "\0ab\1cd"s, R"({"test": "t"})",
       "t: row 2: label 2 is not below 2; labels are whole numbers from 0 to 1"},
      {good, "", "{}", "r: no training rows; name data that has some"},
      {good, "\0ab"s, R"({"train_labels": "t"})",
       "data: files of labels, and labels beside the features; name train_labels and test_labels "
       "where label.place is file, else none"},
      {R"({"shape": [2], "classes": 2})", "", "{}",
       "r.json.dtype: no type of the features; write u1, i2, u2, i4, i8, f4 or f8: a kind and the "
       "bytes of one"},
      {R"({"dtype": "u1", "classes": 2})", "", "{}",
       "r.json.shape: no shape of a record; write [28, 28] or [17]"},
      {R"({"dtype": "u1", "shape": [2]})", "", "{}",
       "r.json.classes: 0 classes with 0 names; say how many there are, 2 to 65536, or name each "
       "in class_names"},
      {R"({"dtype": "u1", "shape": [2], "clases": 2})", "", "{}",
       "r.json.clases: unknown key; did you mean 'classes'?"},
      {R"({"dtype": "u1", "shape": [2], "classes": 3, "class_names": ["a", "b"]})", "", "{}",
       "r.json.classes: 3 classes with 2 names; say how many there are, 2 to 65536, or name each "
       "in class_names"},
      {R"({"dtype": "u1", "shape": [9999999, 9999999], "classes": 2})", "", "{}",
       "r.json.shape: records of more than 1 GiB; is it the shape of one?"},
      {R"({"dtype": "u1", "shape": [4], "planes_first": true, "classes": 2})", "", "{}",
       "r.json.planes_first: planes of records that are not [channels, height, width]; give three "
       "sizes, or leave it away"},
      {R"({"dtype": "u1", "shape": [2], "classes": 2, "label": {"place": "file"}})", "abcd",
       R"({"train_labels": "t"})",
       "t: 6 bytes of labels, but 2 rows of u1 need 2; name files that belong together: r"},
  };
  for (const Case& one : cases) {
    Write("r.json", one.sidecar);
    Write("r", one.records);
    EXPECT_EQ(Refusal(one.more), one.message);
  }
  std::filesystem::remove(folder_.Path() / "r.json");
  EXPECT_THAT(Refusal(), HasSubstr("data: no file r.json (looked in "));
}

}  // namespace raw_test
}  // namespace ddl
