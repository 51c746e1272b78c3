// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset.h"

#include <cstring>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace dataset_test {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;  // NOLINT(google-build-using-namespace): texts with zeros

void AppendBig(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> static_cast<unsigned>(shift));
}

std::string Idx(std::uint8_t type, const std::vector<std::uint32_t>& dims,
                const std::string& content) {
  std::string bytes("\0\0", 2);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(dims.size());
  for (const std::uint32_t size : dims)
    AppendBig(bytes, size);
  return bytes + content;
}

std::string Npy(const std::string& descr, const std::string& shape, const std::string& content,
                const std::string& order = "False") {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  std::string bytes = "\x93NUMPY\x01"s + '\0';
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + content;
}

template <class Element>
std::string Raw(const std::vector<Element>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Element)};
}

class DatasetFiles : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.Path() / name, std::ios::binary) << bytes;
    return folder_.Path() / name;
  }
  std::string WriteGzip(const std::string& name, const std::string& bytes) const {
    const std::string path = folder_.Path() / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path;
  }
  [[nodiscard]] Dataset Load(const Json& config) const {
    return LoadDataset(config, {.search = {folder_.Path()}, .cache = cache_});
  }
  [[nodiscard]] std::string Refusal(const Json& config) const {
    return folder_.RefusalOf([&] { (void)Load(config); });
  }
  static Json Idx4() { return {{"type", "idx"}, {"train_features", "x"}, {"train_labels", "y"}}; }
  static Json Npy4() {
    return {{"type", "npy"}, {"train_features", "x.npy"}, {"train_labels", "y.npy"}};
  }

  TrainerFolder folder_;
  std::filesystem::path cache_ = folder_.Path() / "cache";
};

std::vector<float> RowOf(const Dataset& set, const Split& split, std::uint32_t row) {
  std::vector<float> out(set.features);
  const std::vector<std::uint32_t> rows{row};
  GatherRows(split, rows, Affine{}, out);
  return out;
}

TEST_F(DatasetFiles, IdxComesPlainAndGzipped) {
  Write("x", Idx(8, {3, 2, 2}, "abcdefghijkl"));
  WriteGzip("y", Idx(8, {3}, "\0\1\2"s));
  const Dataset set = Load(Idx4());
  EXPECT_THAT(set.shape, ElementsAre(2, 2));
  EXPECT_EQ(set.classes, 3U);
  EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre('e', 'f', 'g', 'h'));
  EXPECT_THAT(set.train.labels, ElementsAre(0, 1, 2));
  EXPECT_EQ(set.test.Rows(), 0U);
}

TEST_F(DatasetFiles, IdxFloatsAreBigEndian) {
  Write("x", Idx(0x0D, {2, 1}, "\x3f\x80\0\0\xc0\0\0\0"s));
  Write("y", Idx(0x0C, {2}, "\0\0\0\1\0\0\0\0"s));
  const Dataset set = Load(Idx4());
  EXPECT_THAT(RowOf(set, set.train, 0), ElementsAre(1.0F));
  EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre(-2.0F));
  EXPECT_THAT(set.train.labels, ElementsAre(1, 0));
}

TEST_F(DatasetFiles, IdxFaultsNameFileAndByte) {
  Write("y", Idx(8, {3}, "\0\1\2"s));
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "x: truncated: ends at byte 0, 4 bytes are missing; get the file again"},
      {Idx(8, {3, 2}, "abcde"),
       "x: truncated: ends at byte 17, 1 bytes are missing; get the file again"},
      {Idx(8, {3, 2}, "abcdefg"),
       "x: bytes are left over from byte 18 on; its header says that it is shorter: get the file "
       "again"},
      {"PNG!....",
       "x: not an IDX file: begins with 50 4e 47 21; an IDX file begins with 00 00, the type and "
       "the number of dimensions"},
      {Idx(9, {3, 2}, "abcdef"),
       "x: elements of type 0x09 are not read; unsigned bytes (0x08), 32-bit integers (0x0c) and "
       "floats (0x0d) are"},
      {Idx(8, {3}, "abc"), "x: not features: [3] of u1; numbers of two or more dimensions are"},
      {Idx(8, {4294967295U, 4294967295U}, ""),
       "x: too large: [4294967295, 4294967295]; is the header whole?"},
      {Idx(8, {3, 0}, ""), "x: no features; name data that has some"},
      {Idx(8, {0, 2}, ""), "y: 0 rows, but 3 labels; name files that belong together: x"},
      {Idx(8, {2, 2}, "abcd"), "y: 2 rows, but 3 labels; name files that belong together: x"},
      {Idx(0x0D, {3, 1}, "\x7f\x80\0\0\0\0\0\0\0\0\0\0"s),
       "x: feature 1 in training row 1 is not finite; remove the row or mend the value"},
  };
  for (const auto& [bytes, message] : wrong) {
    Write("x", bytes);
    EXPECT_EQ(Refusal(Idx4()), message);
  }
}

TEST_F(DatasetFiles, CorruptAndCutGzipIsNoticed) {
  Write("y", Idx(8, {3}, "\0\1\2"s));
  std::string noise;
  for (int i = 0; i < 6000; ++i)
    noise += static_cast<char>((i * 7919) >> 3);
  const std::string path = WriteGzip("x", Idx(8, {3, 2000}, noise));
  std::ifstream stream(path, std::ios::binary);
  std::string packed((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  Write("x", packed.substr(0, packed.size() / 2));
  EXPECT_THAT(Refusal(Idx4()), HasSubstr("x: truncated: ends at byte "));
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
  Write("x", packed);
  EXPECT_NE(Refusal(Idx4()), "accepted");
}

TEST_F(DatasetFiles, IdxLabelsMustBeClasses) {
  Write("x", Idx(8, {2, 1}, "ab"));
  Write("y", Idx(0x0C, {2}, "\0\0\0\0\xff\xff\xff\xff"s));
  EXPECT_EQ(Refusal(Idx4()),
            "y: row 2: label -1 is not a class number; labels are whole numbers from 0");
  Write("y", Idx(0x0C, {2}, "\0\0\0\0\0\0\0\0"s));
  EXPECT_EQ(Refusal(Idx4()),
            "x: 1 class; training a classifier needs labels of at least two "
            "classes");
}

// A network has an output for each class up to the largest label.
TEST_F(DatasetFiles, LabelsThatAreQuantitiesAreNoClasses) {
  Write("x.npy", Npy("<f4", "2, 1", Raw<float>({1, 2})));
  Write("y.npy", Npy("<i4", "2,", Raw<std::int32_t>({0, 2'000'000'000})));
  EXPECT_EQ(
      Refusal(Npy4()),
      "x.npy: 2000000001 classes; labels are read from 0 to 65535: number the classes without "
      "gaps, or say labels: real where they are quantities");
  Write("x", Idx(8, {2, 1}, "ab"));
  Write("y", Idx(0x0C, {2}, "\0\0\0\0\0\1\0\0"s));
  EXPECT_THAT(Refusal(Idx4()), HasSubstr("x: 65537 classes; "));
  Write("y", Idx(0x0C, {2}, "\0\0\0\0\0\0\xff\xff"s));
  EXPECT_EQ(Load(Idx4()).classes, 65'536U);
}

TEST_F(DatasetFiles, TestRowsMustMatchTheTrainingRows) {
  Write("x", Idx(8, {2, 2}, "abcd"));
  Write("y", Idx(8, {2}, "\0\1"s));
  Write("tx", Idx(8, {1, 3}, "abc"));
  Write("ty", Idx(8, {1}, "\1"));
  Json config = Idx4();
  config["test_features"] = "tx";
  EXPECT_EQ(Refusal(config),
            "data: test features without labels, or labels without features; name both "
            "test_features and test_labels, or none");
  config["test_labels"] = "ty";
  EXPECT_EQ(Refusal(config),
            "tx: records of [3] of bytes, but [2] of bytes in the training part; training and test "
            "data must have one shape and type");
  Write("tx", Idx(8, {1, 2}, "ab"));
  Write("ty", Idx(8, {1}, "\5"));
  EXPECT_EQ(Refusal(config),
            "ty: row 1: label 5 is not below 2; labels are whole numbers from 0 to 1");
}

TEST_F(DatasetFiles, NpyOfEveryElementType) {
  Write("y.npy", Npy("<i8", "2,", Raw<std::int64_t>({1, 0})));
  const std::vector<std::string> features{Npy("|u1", "2, 2", "\1\2\3\4"),
                                          Npy("<f4", "2, 2", Raw<float>({1, 2, 3, 4})),
                                          Npy("<f8", "2, 2", Raw<double>({1, 2, 3, 4})),
                                          Npy("<i4", "2, 2", Raw<std::int32_t>({1, 2, 3, 4})),
                                          Npy("<i8", "2, 2", Raw<std::int64_t>({1, 2, 3, 4}))};
  for (const std::string& bytes : features) {
    Write("x.npy", bytes);
    const Dataset set = Load(Npy4());
    EXPECT_THAT(RowOf(set, set.train, 1), ElementsAre(3.0F, 4.0F));
    EXPECT_THAT(set.train.labels, ElementsAre(1, 0));
  }
}

TEST_F(DatasetFiles, NpyFaultsNameFileAndReason) {
  const std::string good = Npy("<f4", "2, 1", Raw<float>({1, 2}));
  const std::string labels = Npy("<i4", "2,", Raw<std::int32_t>({1, 0}));
  struct Case {
    std::string x, y, message;
  };
  const std::vector<Case> cases{
      {"PK\3\4whatever", labels,
       "x.npy: not a .npy file; write it with numpy.save; .npz archives are not read"},
      {good.substr(0, 30), labels,
       "x.npy: its header cannot be read: it is truncated; write the file with numpy.save"},
      {good.substr(0, good.size() - 1), labels,
       "x.npy: 7 bytes of elements, but shape (2, 1) of <f4 needs 8; truncated: save it again"},
      {good + "x", labels,
       "x.npy: 9 bytes of elements, but shape (2, 1) of <f4 needs 8; save it again"},
      {Npy(">f4", "2, 1", "12345678"), labels,
       "x.npy: elements of type >f4 are not read; save as uint8, float32, float64, int32 or "
       "int64, little-endian"},
      {Npy("<f4", "2, 1", "12345678", "True"), labels,
       "x.npy: stored in Fortran order; save numpy.ascontiguousarray(x)"},
      {Npy("<f4", "2,", "12345678"), labels,
       "x.npy: not features: [2] of f4; numbers of two or more dimensions are"},
      {good, Npy("<f4", "2,", "12345678"),
       "y.npy: not labels: [2] of f4; whole numbers of one dimension are; say labels: real for a "
       "regression"},
      {good, Npy("<i4", "3,", Raw<std::int32_t>({1, 0, 1})),
       "y.npy: 2 rows, but 3 labels; name files that belong together: x.npy"},
      {good, Npy("<i4", "2,", Raw<std::int32_t>({1, -3})),
       "y.npy: row 2: label -3 is not a class number; labels are whole numbers from 0"},
      {Npy("<f4", "x, 1", "12345678"), labels,
       "x.npy: its header cannot be read: shape (x, 1); write the file with numpy.save"},
      {Npy("<f4", "99999999999, 99999999999", ""), labels,
       "x.npy: its header cannot be read: its shape is too large; write the file with numpy.save"},
  };
  for (const Case& one : cases) {
    Write("x.npy", one.x);
    Write("y.npy", one.y);
    EXPECT_EQ(Refusal(Npy4()), one.message);
  }
}

TEST_F(DatasetFiles, UnknownDataIsRefusedWithTheNearestName) {
  EXPECT_EQ(Refusal("fashion-minst"),
            "data: unknown data 'fashion-minst'; did you mean 'fashion-mnist'?");
  EXPECT_EQ(
      Refusal(Json::object()),
      "data: no type of data; fashion-mnist, idx, npy, raw, csv, images, text, packed, blobs, "
      "spirals are known");
  EXPECT_THAT(Refusal({{"type", "csv"}, {"train", "none.csv"}}),
              HasSubstr("data: no file none.csv (looked in "));
  EXPECT_EQ(Refusal({{"type", "csv"}}), "data.train: no file; name the file to read");
  EXPECT_EQ(Refusal({{"type", "blobs"}, {"classes", 1}}),
            "data.classes: 1 is not such a number; give a whole number of at least 2");
  EXPECT_EQ(Refusal({{"type", "blobs"}, {"rows", 2}}),
            "data.rows: 2 rows of 4 classes; make at least one row a class");
}

TEST_F(DatasetFiles, SyntheticDataIsAFunctionOfItsSeed) {
  for (const char* type : {"blobs", "spirals"}) {
    const Dataset set = Load({{"type", type}, {"seed", 3}});
    const Dataset same = Load({{"type", type}, {"seed", 3}});
    const Dataset other = Load({{"type", type}, {"seed", 4}});
    EXPECT_EQ(RowOf(set, set.train, 7), RowOf(same, same.train, 7));
    EXPECT_NE(RowOf(set, set.train, 7), RowOf(other, other.train, 7));
    EXPECT_NE(RowOf(set, set.train, 0), RowOf(set, set.test, 0))
        << "test rows are rows of their own";
  }
}

TEST_F(DatasetFiles, PreparedDataIsMappedAndFollowsItsSource) {
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  Write("t.csv", "1,0\n2,1\n");
  EXPECT_EQ(Load(config).train.Rows(), 2U);
  EXPECT_FALSE(std::filesystem::is_empty(cache_));
  const Dataset mapped = Load(config);
  EXPECT_EQ(mapped.name, "csv");
  EXPECT_THAT(RowOf(mapped, mapped.train, 1), ElementsAre(2.0F));
  Write("t.csv", "1,0\n2,1\n3,1\n");
  EXPECT_EQ(Load(config).train.Rows(), 3U);
}

TEST_F(DatasetFiles, DamagedPreparedDataIsMadeAnew) {
  const Json config{{"type", "csv"}, {"train", "t.csv"}};
  Write("t.csv", "1,0\n2,1\n");
  (void)Load(config);
  for (const auto& entry : std::filesystem::directory_iterator(cache_)) {
    if (entry.path().extension() != ".ddl") continue;
    for (const char* damage : {"", "not json at all", "{\"header\": {}}"}) {
      std::ofstream(entry.path(), std::ios::binary) << damage << std::string(5000, ' ');
      EXPECT_EQ(Load(config).train.Rows(), 2U) << damage;
    }
    std::filesystem::resize_file(entry.path(), 4100);
    EXPECT_EQ(Load(config).train.Rows(), 2U);
  }
}

TEST_F(DatasetFiles, ACacheThatCannotBeHadIsSaidAndDoneWithout) {
  Write("t.csv", "1,0\n2,1\n");
  cache_ = Write("a-file", "") + "/cache";
  testing::internal::CaptureStderr();
  EXPECT_EQ(Load({{"type", "csv"}, {"train", "t.csv"}}).train.Rows(), 2U);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("note: prepared data cannot be kept"));
}

TEST_F(DatasetFiles, ManyProcessesPrepareOnce) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  Write("t.csv", text);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0)
      _exit(Load({{"type", "csv"}, {"train", "t.csv"}}).train.Rows() == 20'000 ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  int prepared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(cache_))
    prepared += entry.path().extension() == ".ddl" ? 1 : 0;
  EXPECT_EQ(prepared, 1);
}

TEST_F(DatasetFiles, RealFeaturesAreStandardisedByTrainingRowsAlone) {
  Write("t.csv", "1,5,0\n3,5,1\n100,5,0\n");
  const Dataset set = Load({{"type", "csv"}, {"train", "t.csv"}});
  const std::vector<std::uint32_t> rows{0, 1};
  const Affine affine = MakeAffine(set, Json(), rows);
  EXPECT_THAT(affine.mean, ElementsAre(2.0F, 5.0F));
  EXPECT_THAT(affine.scale, ElementsAre(1.0F, 0.0F)) << "a constant feature becomes 0";
  const Affine own = MakeAffine(set, {{"mean", 1}, {"std", 2}}, rows);
  EXPECT_THAT(own.scale, ElementsAre(0.5F));
  EXPECT_THROW((void)MakeAffine(set, {{"std", 0}}, rows), Error);
  EXPECT_THROW((void)MakeAffine(set, "minmax", rows), Error);
}

TEST_F(DatasetFiles, EmptyClassesAndConstantColumnsAreNoted) {
  Write("x.npy", Npy("<f4", "3, 3", Raw<float>({1, 5, 2, 1, 6, 2, 1, 7, 2})));
  Write("y.npy", Npy("<i4", "3,", Raw<std::int32_t>({0, 3, 0})));
  for (int i = 0; i < 2; ++i) {  // as it is prepared, and as it is mapped
    EXPECT_THAT(NotesOn(Load(Npy4())),
                ElementsAre("2 of 4 classes have no training row: 1, 2",
                            "2 of 3 features are the same in every training row: 1, 3"));
  }
  Write("y.npy", Npy("<i4", "3,", Raw<std::int32_t>({0, 1, 1})));
  Write("x.npy", Npy("<f4", "3, 1, 2", Raw<float>({1, 1, 2, 1, 3, 1})));
  EXPECT_THAT(NotesOn(Load(Npy4())), testing::IsEmpty()) << "the edge of an image";
}

TEST(FashionMnist, IsReadFromDebiansPackage) {
  const TrainerFolder folder;
  const Dataset set =
      LoadDataset("fashion-mnist", {.search = {"/usr/share/datasets"}, .cache = folder.Path()});
  EXPECT_EQ(set.train.Rows(), 60'000U);
  EXPECT_EQ(set.test.Rows(), 10'000U);
  EXPECT_THAT(set.shape, ElementsAre(28, 28));
  EXPECT_EQ(set.class_names.at(9), "Ankle boot");
  EXPECT_EQ(set.train.labels[0], 9);
}

}  // namespace dataset_test
}  // namespace ddl
