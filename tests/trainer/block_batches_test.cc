// SPDX-License-Identifier: Apache-2.0
#include "trainer/block_batches.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/dataset_memory.h"
#include "trainer/memory_limit.h"
#include "trainer/task.h"

namespace ddl {
namespace block_batches_test {

using testing::HasSubstr;

constexpr std::size_t kFeatures = 4096;  // 256 rows of bytes, and 63 of reals, are a block of 1 MiB
constexpr std::size_t kRows = 1500;

// Row n holds n in its first two features, and its label is n mod 5.
ReadData Numbered(bool is_bytes) {
  ReadData data{.name = "numbered", .shape = {kFeatures}, .classes = 5, .is_bytes = is_bytes};
  for (const bool is_test : {false, true}) {
    Records& records = is_test ? data.test : data.train;
    for (std::size_t row = 0; row < (is_test ? 600 : kRows); ++row) {
      for (std::size_t j = 0; j < kFeatures; ++j) {
        const std::size_t value = j < 2 ? row / (j == 0 ? 256 : 1) % 256 : (row * 7 + j) % 256;
        if (is_bytes) records.bytes.push_back(static_cast<std::uint8_t>(value));
        if (!is_bytes) records.reals.push_back(static_cast<float>(value));
      }
      records.labels.push_back(static_cast<std::int32_t>(row % 5));
    }
  }
  return data;
}

TrainerConfig Config(const std::string& changes) {
  Json mapping = ParseJson(
      R"({"data": "blobs", "shuffle": {"type": "blocks", "block_mib": 1, "window_mib": 2}})",
      "test");
  Override(mapping, ParseJson(changes, "test"));
  return ReadTrainerConfig(mapping);
}

// The rows of a part as they are loaded, told by their features.
std::vector<std::uint32_t> Loaded(const Batches& part, const RowOrder& order, std::size_t batch) {
  std::vector<std::uint32_t> rows;
  std::vector<float> features(batch * kFeatures);
  std::vector<std::int32_t> labels(batch);
  for (std::size_t first = 0; first < part.rows; first += batch) {
    const std::size_t count = std::min(batch, part.rows - first);
    part.load(order(first, count), {features.data(), kFeatures, labels});
    for (std::size_t i = 0; i < count; ++i) {
      const float* row = features.data() + i * kFeatures;
      rows.push_back(static_cast<std::uint32_t>(std::lround(row[0] * 256 + row[1])));
      EXPECT_EQ(static_cast<std::size_t>(labels[i]), rows.back() % 5);
      EXPECT_EQ(row[7], static_cast<float>((rows.back() * 7 + 7) % 256));
    }
  }
  return rows;
}

RowOrder Ascending(std::size_t rows) {
  std::vector<std::uint32_t> all(rows);
  std::iota(all.begin(), all.end(), 0U);
  return WholeOrder(std::move(all));
}

TEST(BlockBatches, LoadEachRowOfEachPartOnce) {
  for (const bool is_bytes : {true, false}) {
    const Dataset set = KeepInMemory(Numbered(is_bytes));
    const TrainingBatches batches =
        MakeBatches(Config(R"({"normalize": "none", "validation": 300})"), set);
    std::vector<std::uint32_t> seen = Loaded(batches.train, batches.order(3), 32);
    const std::vector<std::uint32_t> held_out =
        Loaded(batches.validation, Ascending(batches.validation.rows), 100);
    EXPECT_EQ(seen.size(), 1200U);
    EXPECT_FALSE(std::ranges::is_sorted(seen));
    EXPECT_TRUE(std::ranges::is_sorted(held_out)) << "an evaluation reads forwards";
    seen.insert(seen.end(), held_out.begin(), held_out.end());
    std::ranges::sort(seen);
    std::vector<std::uint32_t> all(kRows);
    std::iota(all.begin(), all.end(), 0U);
    EXPECT_EQ(seen, all);
    all.resize(600);
    EXPECT_EQ(Loaded(batches.test, Ascending(batches.test.rows), 77), all);
  }
}

TEST(BlockBatches, BeginAnywhereInAnEpoch) {
  const Dataset set = KeepInMemory(Numbered(true));
  const TrainingBatches batches = MakeBatches(Config("{}"), set);
  const RowOrder order = batches.order(1);
  const std::span<const std::uint32_t> rows = order(0, batches.train.rows);
  const std::vector<std::uint32_t> whole(rows.begin(), rows.end());
  for (const std::size_t first : {1U, 400U, 511U, 512U, 1249U}) {
    const RowOrder late = batches.order(1);
    EXPECT_EQ(late(first, 1)[0], whole[first]);
    EXPECT_EQ(order(first, 1)[0], whole[first]) << "also backwards";
  }
}

TEST(BlockBatches, InOrderTakeAnotherPartEachEpoch) {
  const Dataset set = KeepInMemory(Numbered(true));
  const TrainingBatches batches =
      MakeBatches(Config(R"({"shuffle.type": "none", "normalize": "none", "validation": 0,
                 "batch_size": 100, "steps_per_epoch": 8})"),
                  set);
  std::vector<std::uint32_t> wanted(1600);
  for (std::uint32_t i = 0; i < 1600; ++i)
    wanted[i] = static_cast<std::uint32_t>(i % kRows);
  std::vector<std::uint32_t> seen = Loaded(batches.train, batches.order(0), 100);
  const std::vector<std::uint32_t> second = Loaded(batches.train, batches.order(1), 100);
  seen.insert(seen.end(), second.begin(), second.end());
  EXPECT_EQ(seen, wanted);
}

TEST(BlockBatches, ScaleIsThatOfTheTrainingRowsAlone) {
  const Dataset set = KeepInMemory(Numbered(false));
  const TrainerConfig config = Config(R"({"validation": 300})");
  const TrainingBatches batches = MakeBatches(config, set);
  std::vector<double> mean(kFeatures);
  std::vector<double> squares(kFeatures);
  std::vector<float> row(kFeatures);
  std::vector<std::int32_t> label(1);
  const RowOrder order = batches.order(0);
  for (std::size_t i = 0; i < batches.train.rows; ++i) {
    batches.train.load(order(i, 1), {row.data(), kFeatures, label});
    for (std::size_t j = 0; j < kFeatures; ++j) {
      mean[j] += static_cast<double>(row[j]) / 1200.0;
      squares[j] += static_cast<double>(row[j]) * static_cast<double>(row[j]) / 1200.0;
    }
  }
  for (std::size_t j = 0; j < kFeatures; ++j) {
    EXPECT_NEAR(mean[j], 0.0, 1e-5) << j;
    EXPECT_NEAR(squares[j], 1.0, 1e-5) << j;
  }
}

TEST(BlockBatches, ScaleMakesAConstantFeatureZero) {
  ReadData data = Numbered(false);
  for (std::size_t row = 0; row < kRows; ++row)
    data.train.reals[row * kFeatures + 5] = 0.1F;
  const Dataset set = KeepInMemory(std::move(data));
  const TrainingBatches batches = MakeBatches(Config("{}"), set);
  std::vector<float> row(kFeatures);
  std::vector<std::int32_t> label(1);
  batches.train.load(batches.order(0)(9, 1), {row.data(), kFeatures, label});
  EXPECT_EQ(row[5], 0.0F);
}

TEST(BlockBatches, SizeAloneDecides) {
  const Dataset set = KeepInMemory(Numbered(true));
  EXPECT_FALSE(UsesBlocks({}, set));
  EXPECT_TRUE(UsesBlocks({.kind = ShuffleKind::kBlocks}, set));
  EXPECT_TRUE(UsesBlocks({.kind = ShuffleKind::kNone}, set));
  // Never looked at: only its size counts.
  const std::vector<std::int32_t> labels(3);
  Dataset large;
  large.features = kMostShuffledWhole / 2;
  large.train.features = std::span<const std::uint8_t>();
  large.train.labels = std::span(labels).first(2);
  EXPECT_FALSE(UsesBlocks({}, large));
  large.train.labels = labels;
  EXPECT_TRUE(UsesBlocks({}, large));
  EXPECT_FALSE(UsesBlocks({.kind = ShuffleKind::kFull}, large));
}

TEST(BlockBatches, TellWhatTheyAreToCheckpoints) {
  const Dataset set = KeepInMemory(Numbered(true));
  const TrainerConfig whole =
      ReadTrainerConfig(ParseJson(R"({"data": "blobs", "shuffle": "full"})", "test"));
  EXPECT_EQ(MakeBatches(whole, set).name, "numbered");
  EXPECT_EQ(MakeBatches(Config("{}"), set).name, "numbered, shuffled in windows of 2 x 255 rows");
  EXPECT_EQ(MakeBatches(Config(R"({"shuffle.type": "none"})"), set).name,
            "numbered, in order by 255 rows");
}

TEST(BlockBatches, SettingsThatDoNotFitAreRefused) {
  EXPECT_THROW((void)Config(R"({"shuffle.window_mib": 3, "shuffle.block_mib": 2})"), Error);
  EXPECT_THROW((void)Config(R"({"shuffle.type": "some"})"), Error);
  EXPECT_THROW((void)Config(R"({"shuffle.type": "full"})"), Error) << "a block of what?";
  EXPECT_EQ(ReadTrainerConfig(ParseJson(R"({"data": "blobs", "shuffle": {"block_mib": 100}})", ""))
                .shuffle.window_mib,
            100U);
}

TEST(MemoryLimit, IsTheNarrowestCgroupsOfEitherVersion) {
  const TrainerFolder folder;
  const std::string root = folder.Path();
  const auto write = [&root](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + name).parent_path());
    std::ofstream(root + name) << text;
  };
  EXPECT_EQ(CgroupMemoryLimit(root), std::uint64_t(-1));
  write("/proc/self/cgroup", "7:cpu,memory:/a/b\n3:name=systemd:/x\n0::/c/d\n");
  EXPECT_EQ(CgroupMemoryLimit(root), std::uint64_t(-1));
  write("/sys/fs/cgroup/c/d/memory.max", "max\n");
  write("/sys/fs/cgroup/c/memory.max", "5000\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 5000U);
  write("/sys/fs/cgroup/memory/a/b/memory.stat", "cache 9\nhierarchical_memory_limit 4000\n");
  EXPECT_EQ(CgroupMemoryLimit(root), 4000U);
  EXPECT_GT(MemoryLimit(), 0U);
}

}  // namespace block_batches_test
}  // namespace ddl
