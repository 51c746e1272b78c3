// SPDX-License-Identifier: Apache-2.0
// What tells data from others wherever they lie, and that a checkpoint is continued on no others.
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/task.h"

namespace ddl {
namespace data_identity_test {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DataIdentity : public testing::Test {
 protected:
  // Sixty rows in two classes, of which one has another number where asked.
  std::string Write(const std::string& name, double of_row_nine = 9.0) const {
    const fs::path path = folder_.Path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream file(path);
    for (int row = 0; row < 60; ++row)
      file << (row == 9 ? of_row_nine : row) << "," << row % 7 << "," << row % 2 << "\n";
    return path;
  }
  static Json Csv(const std::string& path) { return {{"type", "csv"}, {"train", path}}; }
  [[nodiscard]] DataPaths Paths() const { return {.cache = folder_.Path() / "cache"}; }

  // Trains on a file, in a folder of checkpoints that all share; the refusal, or "accepted".
  std::string Train(const std::string& path, const std::string& changes,
                    bool is_known = true) const {
    const Dataset dataset = LoadDataset(Csv(path), {});
    Session session{.config = SmallConfig(changes), .folder = folder_.Path() / "checkpoints"};
    session.batches = MakeBatches(session.config, dataset);
    if (!is_known) session.batches.identity.clear();
    return folder_.RefusalOf([&] { session.Run(); });
  }

  TrainerFolder folder_;
};

TEST_F(DataIdentity, IsThatOfTheContentsWhereverTheyLie) {
  const Json csv = Csv(Write("a/t.csv"));
  const std::string identity = LoadDataset(csv, {}).identity;
  EXPECT_THAT(identity, Not(IsEmpty()));
  EXPECT_EQ(LoadDataset(csv, Paths()).identity, identity) << "prepared";
  EXPECT_EQ(LoadDataset(Csv(Write("b/u.csv")), Paths()).identity, identity) << "another path";
  const fs::path packed = folder_.Path() / "packed.ddl";
  PackDataset(csv, Paths(), packed);
  const Json of_packed{{"type", "packed"}, {"file", packed.string()}};
  EXPECT_EQ(LoadDataset(of_packed, {}).identity, identity);
  EXPECT_NE(LoadDataset(Csv(Write("a/t.csv", 9.5)), {}).identity, identity);
}

TEST_F(DataIdentity, OfATextIsThatOfItsTokens) {
  const auto identity = [this](const std::string& text, const DataPaths& paths) {
    const fs::path path = folder_.Path() / "text";
    std::ofstream(path, std::ios::trunc) << text;
    return LoadDataset({{"type", "text"}, {"train", path.string()}, {"context", 2}}, paths)
        .identity;
  };
  EXPECT_EQ(identity("abcabc", {}), identity("abcabc", Paths()));
  EXPECT_NE(identity("abcabc", {}), identity("abcacb", {}));
}

TEST_F(DataIdentity, OfMadeUpDataIsWhatTheirTrainingRowsAreMadeBy) {
  const auto identity = [](Json config) { return LoadDataset(config, {}).identity; };
  EXPECT_EQ(identity("blobs"), identity({{"type", "blobs"}, {"rows", 1000}, {"test_rows", 5}}));
  EXPECT_NE(identity("blobs"), identity("spirals"));
  for (const char* key : {"seed", "noise", "features", "classes", "rows"})
    EXPECT_NE(identity("blobs"), identity({{"type", "blobs"}, {key, 9}})) << key;
}

TEST_F(DataIdentity, ACheckpointOfOtherDataIsRefused) {
  EXPECT_EQ(Train(Write("a/t.csv"), R"({"epochs": 1})"), "accepted");
  EXPECT_EQ(Train(Write("b/u.csv"), R"({"epochs": 2})"), "accepted") << "the same rows elsewhere";
  const std::string refusal = Train(Write("a/t.csv", 9.5), R"({"epochs": 3})");
  EXPECT_THAT(refusal, HasSubstr("checkpoints: the checkpoint is of other data: features "));
  EXPECT_THAT(refusal, HasSubstr("10 of 60 rows held out; not features "));
  EXPECT_THAT(refusal, HasSubstr("; name another checkpoint folder, or empty this one"));
}

// The epochs have the same length.
TEST_F(DataIdentity, ACheckpointOfAnotherSplitIsRefused) {
  const std::string path = Write("t.csv");
  const std::string changes =
      R"({{"steps_per_epoch": 2, "validation": {}, "epochs": {}, "shuffle": "{}"}})";
  for (const char* shuffle : {"full", "blocks"}) {
    fs::remove_all(folder_.Path() / "checkpoints");
    EXPECT_EQ(Train(path, fmt::format(fmt::runtime(changes), 0.1, 1, shuffle)), "accepted");
    EXPECT_EQ(Train(path, fmt::format(fmt::runtime(changes), 6, 2, shuffle)), "accepted")
        << "a tenth of sixty";
    EXPECT_THAT(Train(path, fmt::format(fmt::runtime(changes), 0.3, 3, shuffle)),
                HasSubstr("6 of 60 rows held out; not "));
  }
}

TEST_F(DataIdentity, ACheckpointThatDoesNotTellItsDataIsContinued) {
  EXPECT_EQ(Train(Write("t.csv"), R"({"epochs": 1})", false), "accepted");
  const auto first = ReadCheckpoint(folder_.Path() / "checkpoints" / "iteration-000000000004.ckpt");
  ASSERT_TRUE(std::holds_alternative<Checkpoint>(first));
  EXPECT_THAT(std::get<Checkpoint>(first).header.data, IsEmpty());
  EXPECT_EQ(Train(Write("t.csv", 9.5), R"({"epochs": 2})"), "accepted");
  EXPECT_THAT(Train(Write("t.csv"), R"({"epochs": 3})"), HasSubstr("of other data"));
}

}  // namespace data_identity_test
}  // namespace ddl
