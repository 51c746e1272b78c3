// SPDX-License-Identifier: Apache-2.0
#include "trainer/packed_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/packed_layout.h"
#include "trainer/record_check.h"

namespace ddl {
namespace packed_file_test {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;

// Rows of three numbers, handed over in pieces; feature 2 is the same in all.
class CountedRows : public RecordSource {
 public:
  CountedRows(std::size_t rows, bool is_bytes) {
    format_ = {.name = "counted",
               .shape = {3},
               .classes = 4,
               .is_bytes = is_bytes,
               .train_rows = rows,
               .test_rows = 10};
  }
  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart /*part*/) const override { return "counted rows"; }
  void Read(DataPart part, const Take& take) override {
    const std::size_t rows = part == DataPart::kTrain ? given : format_.test_rows;
    for (std::size_t first = 0; first < rows; first += 7) {
      std::vector<std::uint8_t> bytes;
      std::vector<std::int32_t> labels;
      for (std::size_t row = first; row < std::min(rows, first + 7); ++row) {
        labels.push_back(static_cast<std::int32_t>(row % 3));
        for (const std::size_t value : {row % 256, std::size_t{9}, row / 256})
          bytes.push_back(static_cast<std::uint8_t>(value));
      }
      const std::vector<float> reals(bytes.begin(), bytes.end());
      if (format_.is_bytes) take({std::span<const std::uint8_t>(bytes), labels});
      if (!format_.is_bytes) take({std::span<const float>(reals), labels});
    }
  }

  RecordFormat format_;
  std::size_t given = 0;  // training rows
};

class PackedFile : public testing::Test {
 protected:
  [[nodiscard]] std::string Damage() const {
    const auto mapped = MapPacked(path_);
    if (const auto* damaged = std::get_if<DamagedData>(&mapped)) return damaged->why;
    return DamageOfParts(std::get<Dataset>(mapped));
  }
  void Overwrite(std::size_t at, const std::string& bytes) const {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  }

  // Puts other values into the header, whose own checksum is right again.
  void Forge(const Json& changes) const {
    std::ifstream file(path_, std::ios::binary);
    std::string line;
    std::getline(file, line);
    Json whole = ParseJson(line, "header");
    whole["header"].update(changes);
    whole["crc"] = PackedCrc(DumpJson(whole["header"]));
    std::string text = DumpJson(whole);
    text.resize(line.size(), ' ');
    Overwrite(0, text);
  }

  TrainerFolder folder_;
  fs::path path_ = folder_.Path() / "packed.ddl";
};

TEST_F(PackedFile, HoldsTheRowsThatWereHandedOver) {
  for (const bool is_bytes : {true, false}) {
    CountedRows rows(1000, is_bytes);
    rows.given = 1000;
    WritePacked(path_, rows);
    const auto mapped = MapPacked(path_);
    ASSERT_TRUE(std::holds_alternative<Dataset>(mapped)) << Damage();
    const auto& set = std::get<Dataset>(mapped);
    EXPECT_EQ(set.train.Rows(), 1000U);
    EXPECT_EQ(set.test.Rows(), 10U);
    EXPECT_EQ(set.train.labels[998], 998 % 3);
    std::vector<float> out(3);
    GatherRows(set.train, std::vector<std::uint32_t>{998}, Affine{}, out);
    EXPECT_THAT(out, ElementsAre(998 % 256, 9, 3));
    EXPECT_EQ(set.constants.count, 1U);
    EXPECT_THAT(set.constants.names, ElementsAre("2"));
    EXPECT_EQ(Damage(), "");
  }
}

TEST_F(PackedFile, HasRoomForManyClassNames) {
  CountedRows rows(50, true);
  rows.given = 50;
  rows.format_.classes = 3000;
  for (int i = 0; i < 3000; ++i)
    rows.format_.class_names.push_back("a class with quite a long name " + std::to_string(i));
  WritePacked(path_, rows);
  const auto mapped = MapPacked(path_);
  ASSERT_TRUE(std::holds_alternative<Dataset>(mapped)) << Damage();
  EXPECT_EQ(std::get<Dataset>(mapped).class_names, rows.format_.class_names);
}

TEST_F(PackedFile, DamageIsToldByItsPart) {
  CountedRows rows(1000, true);
  rows.given = 1000;
  WritePacked(path_, rows);
  const auto bytes = fs::file_size(path_);
  Overwrite(8192 + 500, "x");
  EXPECT_EQ(Damage(), "its training features are damaged");
  WritePacked(path_, rows);
  Overwrite(bytes - 64, "\x01");  // a class still
  EXPECT_EQ(Damage(), "its test labels are damaged");
  Overwrite(bytes - 64, "\x7f");  // none
  EXPECT_EQ(Damage(), "its header does not fit its content");
  WritePacked(path_, rows);
  Overwrite(30, "0");
  EXPECT_EQ(Damage(), "its header is damaged");
  WritePacked(path_, rows);
  fs::resize_file(path_, bytes - 1);
  EXPECT_THAT(Damage(), HasSubstr("bytes, and its header says"));
  std::ofstream(path_) << "something else";
  EXPECT_EQ(Damage(), "it does not begin with a header");
  fs::remove(path_);
  EXPECT_EQ(Damage(), "it cannot be read, or is empty");
}

TEST_F(PackedFile, AHeaderOfNoDataIsRefused) {
  CountedRows rows(1000, true);
  rows.given = 1000;
  const std::vector<std::pair<std::string, std::string>> wrong{
      {R"({"shape": [0], "train_rows": 5000000000})", "its rows have no features"},
      {R"({"shape": [5000000000]})", "its rows have 5000000000 features"},
      {R"({"train_rows": 0})", "it has no training rows"},
      {R"({"train_rows": 4294967296})", "a part of it has 4294967296 rows"},
      {R"({"test_rows": 4294967296})", "a part of it has 4294967296 rows"},
      {R"({"classes": 1})", "it has 1 classes"},
      {R"({"classes": 65537})", "it has 65537 classes"},
      {R"({"has_real_targets": true})", "it has 4 classes"},
      {R"({"is_text": true, "shape": [1], "train_rows": 4294967295})",
       "its text has 4294967305 tokens"},
      {R"({"train_rows": 1000000})", "its header does not fit its content"},
  };
  for (const auto& [changes, why] : wrong) {
    WritePacked(path_, rows);
    Forge(ParseJson(changes, "test"));
    EXPECT_EQ(Damage(), why) << changes;
  }
  WritePacked(path_, rows);
  Forge(ParseJson(R"({"name": "forged"})", "test"));
  EXPECT_EQ(Damage(), "");
}

// A text has a limit as well, of both parts together.
TEST_F(PackedFile, IsNotMadeOfMoreRowsThanCanBeNumbered) {
  CountedRows rows(100, true);
  rows.format_.train_rows = std::size_t{1} << 32U;
  const auto refusal = [&] { return folder_.RefusalOf([&] { WritePacked(path_, rows); }); };
  EXPECT_EQ(refusal(),
            "counted rows: 4294967296 rows; 4294967295 can be read: take a part of them");
  rows.format_.is_text = true;
  rows.format_.shape = {1};
  rows.format_.train_rows = kMostRowsOfPart - 9;  // and ten test rows
  EXPECT_THAT(refusal(), HasSubstr("counted rows: a text of 4294967296 bytes, "));
}

TEST_F(PackedFile, IsNotMadeOfRowsThatDoNotFit) {
  CountedRows rows(100, true);
  for (const std::size_t given : {99U, 101U}) {
    rows.given = given;
    EXPECT_THROW(WritePacked(path_, rows), Error);
  }
  rows.given = 100;
  rows.format_.classes = 2;  // and 2 is a label
  try {
    WritePacked(path_, rows);
    ADD_FAILURE() << "it was written";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("counted rows: label 2 in training row 3 is not below 2"));
  }
  EXPECT_TRUE(fs::is_empty(folder_.Path())) << "nothing is left behind";
}

}  // namespace packed_file_test
}  // namespace ddl
