// SPDX-License-Identifier: Apache-2.0
// Training images that are changed where they are gathered, beside the CPU's own changes.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_case.h"
#include "tests/trainer/kernel_case.h"
#include "tests/trainer/tested_device.h"
#include "trainer/augment.h"
#include "trainer/cuda/gpu_plan.h"

namespace ddl {
namespace gpu_augment_test {

constexpr std::uint32_t kRows = 40;  // of which lanes use 33 and 40, of 50 in the data

struct AugmentCase {
  std::string name;
  AugmentSettings settings;
  std::size_t channels = 1;
};

Augmentation ImagesOf(const AugmentCase& at) {
  return {.settings = at.settings, .size = {.height = 9, .width = 7}, .channels = at.channels};
}

ImageChanges ChangesOf(const AugmentCase& at) {
  return {.is_on = true,
          .height = 9,
          .width = 7,
          .channels = static_cast<std::uint32_t>(at.channels),
          .crop = static_cast<std::uint32_t>(at.settings.crop),
          .has_flips = at.settings.has_flips ? 1U : 0U,
          .cutout = static_cast<std::uint32_t>(at.settings.cutout)};
}

// Lanes of other seeds, in epochs far apart.
Board BoardOfEpochs() {
  Board board;
  board.order_rows = kRows;
  for (std::uint32_t i = 0; i < 2 * kLanes * kRows; ++i)
    board.order.push_back(i * 13 % 50);
  board.steps[2] = {.rows = 33, .seed_low = 5, .seed_high = 1, .epoch_low = 3};
  board.steps[3] = {.rows = kRows, .seed_low = 6, .epoch_low = 7, .epoch_high = 2};
  return board;
}

template <class Stored>
void ExpectChanged(const std::vector<Stored>& features, const Affine& affine,
                   const AugmentCase& at) {
  const Augmentation images = ImagesOf(at);
  const std::size_t width = images.size.Pixels() * images.channels;
  const std::size_t stride = PaddedWidth(width);
  const std::vector<std::int32_t> labels(50);
  const Split split{.features = std::span<const Stored>(features), .labels = labels};
  std::vector<float> mean;  // of both lanes
  std::vector<float> scale;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    mean.insert(mean.end(), affine.mean.begin(), affine.mean.end());
    scale.insert(scale.end(), affine.scale.begin(), affine.scale.end());
  }
  Board board = BoardOfEpochs();
  std::vector<std::int32_t> found(kLanes * kRows);
  for (const ThreadOrder order : {ThreadOrder::kUp, ThreadOrder::kDown}) {
    Memory memory(kRows * stride);
    RunOnHost(
        GatherBody<Stored>{.blocks = BlocksFor(kRows, GatherBody<Stored>::kBlockRows),
                           .board = board.View(),
                           .arena = memory.Arena(),
                           .data = {.features = features.data(),
                                    .labels = labels.data(),
                                    .width = static_cast<std::uint32_t>(width)},
                           .scales = {.mean = mean.data(),
                                      .scale = scale.data(),
                                      .floats = static_cast<std::uint32_t>(affine.mean.size())},
                           .out = 0,
                           .stride = static_cast<std::uint32_t>(stride),
                           .rows = kRows,
                           .labels = found.data(),
                           .label_rows = kRows,
                           .changes = ChangesOf(at)},
        kLanes, order);
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      const LaneStep& step = board.steps[2 + lane];
      const auto rows = std::span(board.order).subspan((2 + lane) * kRows, step.rows);
      std::vector<float> expected(kRows * stride, 0.0F);
      Augmentation own = images;
      own.seed = step.seed_low + (std::uint64_t{step.seed_high} << 32U);
      GatherChanged(split, rows, affine, own,
                    step.epoch_low + (std::uint64_t{step.epoch_high} << 32U), expected, stride);
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(memory.Lane(lane)[i], expected[i]) << lane << " " << i;
    }
  }
}

class GpuAugmentCases : public testing::TestWithParam<AugmentCase> {};

TEST_P(GpuAugmentCases, ChangesBytesAndRealsAsTheCpuBitForBit) {
  const std::size_t width = 63 * GetParam().channels;
  std::mt19937 random(1);
  std::vector<std::uint8_t> bytes(50 * width);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(random());
  ExpectChanged(bytes, {{72.93F}, {0.0111F}}, GetParam());
  ExpectChanged(Normal(50 * width, 2), {Normal(width, 3), Normal(width, 4)}, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    All, GpuAugmentCases,
    testing::Values(AugmentCase{.name = "crop", .settings = {.crop = 3}},
                    AugmentCase{.name = "flip", .settings = {.has_flips = true}, .channels = 3},
                    AugmentCase{.name = "cutout", .settings = {.cutout = 4}, .channels = 2},
                    AugmentCase{.name = "all",
                                .settings = {.crop = 2, .has_flips = true, .cutout = 3},
                                .channels = 3}),
    [](const auto& one) { return one.param.name; });

// Two epochs of one batch: its images differ, and evaluations see them as they are.
TEST(GpuAugment, TrainsOnWhatTheEpochDrawsAndEvaluatesOnWhatIsStored) {
  const ByteRows data(20, 63, 4);
  const LaneSettings lane{.seed = 11, .optimizer = {.lr = 0.1}};
  Augmentation images = ImagesOf({.settings = {.crop = 2, .has_flips = true, .cutout = 2}});
  const GpuPlanSettings settings{.shape = {.batch = 8,
                                           .evaluation_batch = 8,
                                           .features = 63,
                                           .classes = 4,
                                           .layers = DenseLayers({16}, Activation::kRelu, false)},
                                 .lanes = {lane},
                                 .stretch = 2,
                                 .augmentation = images};
  TestedDevice device;
  DeviceLanes lanes(device, settings, data);
  const std::vector<std::uint32_t> rows = RowsOf(0, 1, 8, 20);
  lanes.Compiled().Train(std::vector<LaneBatch>{{.rows = rows, .step = 1, .lr = 0.1, .epoch = 4},
                                                {.rows = rows, .step = 2, .lr = 0.1, .epoch = 5}});
  const std::vector<BatchScore> found = lanes.Compiled().Scores();
  Plan plan(settings.shape, {lane});
  InitialiseWeights(plan.Compiled(), Initialisation::kUniform, lane.seed, plan.LaneBlock(0));
  images.seed = lane.seed;
  for (std::uint64_t step = 1; step <= 2; ++step) {
    const BatchPlace place = plan.Batch(0);
    GatherChanged(data.Rows(), rows, data.Data().affine, images, 3 + step,
                  {place.features, rows.size() * place.stride}, place.stride);
    GatherLabels(data.Rows(), rows, place.labels.first(rows.size()));
    plan.SetStep(0, rows.size(), step, 0.1);
    plan.Step();
    EXPECT_NEAR(found[step - 1].loss_sum, plan.Score(0).loss_sum, 1e-4);
  }
  lanes.Compiled().Evaluate(std::vector<LaneBatch>{{.rows = rows}});
  const BatchPlace place = plan.Batch(0);
  GatherRows(data.Rows(), rows, data.Data().affine, {place.features, rows.size() * place.stride},
             place.stride);
  plan.Evaluate(rows.size());
  EXPECT_NEAR(lanes.Compiled().Scores()[0].loss_sum, plan.Score(0).loss_sum, 1e-4);
}

}  // namespace gpu_augment_test
}  // namespace ddl
