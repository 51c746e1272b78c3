// SPDX-License-Identifier: Apache-2.0
// Convolutional networks on a device made of loops, beside the CPU's plan.
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_case.h"
#include "tests/trainer/tested_device.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/interface.h"
#include "trainer/layer.h"

namespace ddl {
namespace gpu_image_plan_test {

constexpr std::size_t kClasses = 5;
constexpr std::size_t kRows = 40;
constexpr std::uint64_t kSteps = 5;

struct ImageCase {
  std::string name;
  std::string layers;
  ImageShape image;
  LayerDefaults defaults = {};
  double ema_decay = 0.0;
  double bound = 5e-5;  // of states
};

std::size_t FeaturesOf(const ImageCase& at) {
  return at.image.size.Pixels() * at.image.channels;
}

// Two lanes with seeds, rates and batches of their own.
GpuPlanSettings SettingsOf(const ImageCase& at) {
  const OptimizerSettings optimizer{.lr = 0.05, .momentum = 0.9};
  GpuPlanSettings settings{.shape = {.batch = 6,
                                     .evaluation_batch = 7,
                                     .features = FeaturesOf(at),
                                     .image = at.image,
                                     .classes = kClasses,
                                     .layers = ParseLayers(at.layers, at.defaults),
                                     .keeps_average = at.ema_decay > 0.0,
                                     .state_tensors = StateTensors(optimizer)},
                           .lanes = {},
                           .stretch = 4};
  for (std::size_t lane = 0; lane < 2; ++lane) {
    settings.lanes.push_back({.seed = 70 + lane,
                              .optimizer = optimizer,
                              .dropout = at.defaults.has_dropout ? 0.2 : 0.0,
                              .ema_decay = at.ema_decay});
    settings.lanes.back().optimizer.lr *= 1.0 + 0.5 * static_cast<double>(lane);
  }
  return settings;
}

class GpuImagePlanCases : public testing::TestWithParam<ImageCase> {
 protected:
  GpuPlanSettings settings_ = SettingsOf(GetParam());
  ByteRows rows_ = ByteRows(kRows, FeaturesOf(GetParam()), kClasses);
};

TEST_P(GpuImagePlanCases, StepsEvaluationsAndStatesAreTheCpus) {
  TestedDevice device;
  DeviceLanes lanes(device, settings_, rows_);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  const std::vector<std::uint32_t> all = RowsOf(0, 1, 7, kRows);
  lanes.Compiled().Evaluate(std::vector<LaneBatch>(settings_.lanes.size(), {.rows = all}));
  const std::vector<BatchScore> evaluated = lanes.Compiled().Scores();
  for (std::size_t lane = 0; lane < settings_.lanes.size(); ++lane) {
    CpuLane cpu(settings_.shape, settings_.lanes[lane], rows_);
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(lane, step, settings_.shape.batch, kRows), step);
      const BatchScore& found = scores[(step - 1) * settings_.lanes.size() + lane];
      EXPECT_NEAR(found.loss_sum, expected.loss_sum, GetParam().bound * (1.0 + expected.loss_sum))
          << step;
      EXPECT_EQ(found.rows, expected.rows) << step;
    }
    const BatchScore expected = cpu.Evaluate(all);
    EXPECT_NEAR(evaluated[lane].loss_sum, expected.loss_sum,
                GetParam().bound * (1.0 + expected.loss_sum));
    const std::vector<float> state = lanes.Compiled().State(lane);
    ASSERT_EQ(state.size(), cpu.State().size());
    EXPECT_LT(LargestGap(state, cpu.State()), GetParam().bound);
  }
}

TEST_P(GpuImagePlanCases, NeitherOrderOfThreadsNorCompanyMatters) {
  TestedDevice up(ThreadOrder::kUp);
  TestedDevice down(ThreadOrder::kDown);
  GpuPlanSettings alone = settings_;
  alone.lanes.resize(1);
  DeviceLanes together(up, settings_, rows_);
  DeviceLanes solo(down, alone, rows_);
  together.Steps(1, 4);
  solo.Steps(1, 4);
  EXPECT_EQ(together.Compiled().State(0), solo.Compiled().State(0));
}

TEST_P(GpuImagePlanCases, AllocatesToTheByteWhatWasCounted) {
  TestedDevice device;
  const GpuPlan plan(device, settings_, rows_.Data());
  const GpuMemory memory =
      CountGpuMemory(settings_.shape, ShapeOf(rows_.Data()), settings_.stretch);
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(settings_.lanes.size()));
}

TEST_P(GpuImagePlanCases, ALaneWithoutRowsStandsStill) {
  TestedDevice device;
  DeviceLanes lanes(device, settings_, rows_);
  lanes.Steps(1, 2);
  const std::vector<float> before = lanes.Compiled().State(1);
  const std::vector<std::uint32_t> rows = RowsOf(0, 3, 6, kRows);
  lanes.Compiled().Train(std::vector<LaneBatch>{{.rows = rows, .step = 3, .lr = 0.1}, {}});
  EXPECT_EQ(lanes.Compiled().State(1), before);
}

constexpr ImageShape kGrey{.size = {.height = 9, .width = 8}, .channels = 1};
constexpr ImageShape kColour{.size = {.height = 8, .width = 8}, .channels = 3};

constexpr ImageShape kLarge{.size = {.height = 20, .width = 19}, .channels = 1};
const ImageCase kManyPlaces{.name = "sums_in_slices", .layers = "5c3-p-fc8", .image = kLarge};

TEST(GpuImagePlan, SplitsSumsOverManyPlacesWhereWeightsAreFew) {
  const auto slices_of = [](const ImageCase& at) {
    const Model model = BuildModel(GpuShape(SettingsOf(at).shape));
    return GradientSlices(model, std::get<ConvStage>(model.stages.front()));
  };
  const TileSlices slices = slices_of(kManyPlaces);
  EXPECT_EQ(slices.count, 4U);  // of 6 * 360 places that are pooled, about 512 or more in each
  EXPECT_EQ(slices.inner, 544U);
  EXPECT_EQ(slices.apart, 9 * 16U);
  EXPECT_EQ(slices_of({.name = "few", .layers = "5c3-p-fc8", .image = kGrey}).count, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    All, GpuImagePlanCases,
    testing::Values(
        kManyPlaces, ImageCase{.name = "conv_pool", .layers = "6c3-p-20c3-p-fc12", .image = kGrey},
        ImageCase{.name = "strides_and_no_padding",
                  .layers = "8c3s2-5c2v-fc12",
                  .image = kColour,
                  .defaults = {.activation = Activation::kTanh}},
        ImageCase{.name = "means_and_gelu",
                  .layers = "12c3-a-16c1-ga",
                  .image = kColour,
                  .defaults = {.activation = Activation::kGelu},
                  .ema_decay = 0.8},
        ImageCase{.name = "pool_of_data",
                  .layers = "p3-4c3-fc8",
                  .image = kColour,
                  .defaults = {.has_dropout = true}},
        ImageCase{.name = "norm",
                  .layers = "8c3-p-16c3s2-fc9",
                  .image = kGrey,
                  .defaults = {.has_norm = true},
                  .ema_decay = 0.8,
                  .bound = 1e-3},
        ImageCase{.name = "residual",
                  .layers = "8c3-r8-r16s2-r20-ga",
                  .image = kColour,
                  .defaults = {.has_norm = true},
                  .bound = 1e-3},
        ImageCase{
            .name = "residual_of_data", .layers = "r4-p-fc6", .image = kColour, .bound = 1e-3}),
    [](const auto& one) { return one.param.name; });

// More rows than a slice of column sums has.
TEST(GpuImagePlan, ManyPlacesAreAddedSliceBySlice) {
  const ImageCase at{.name = "",
                     .layers = "4c3-3c3",
                     .image = {.size = {.height = 14, .width = 14}, .channels = 1},
                     .defaults = {.has_norm = false}};
  GpuPlanSettings settings = SettingsOf(at);
  settings.lanes.resize(1);
  const ByteRows rows(kRows, FeaturesOf(at), kClasses);
  for (const bool has_norm : {false, true}) {
    settings.shape.layers = ParseLayers(at.layers, {.has_norm = has_norm});
    ASSERT_GT(SlicesOf(settings.shape.batch * at.image.size.Pixels()), 2U);
    TestedDevice device;
    DeviceLanes lanes(device, settings, rows);
    CpuLane cpu(settings.shape, settings.lanes[0], rows);
    const std::vector<BatchScore> scores = lanes.Steps(1, 4);
    for (std::uint64_t step = 1; step <= 4; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(0, step, settings.shape.batch, kRows), step);
      EXPECT_NEAR(scores[step - 1].loss_sum, expected.loss_sum, 1e-3) << has_norm << step;
    }
    EXPECT_LT(LargestGap(lanes.Compiled().State(0), cpu.State()), has_norm ? 1e-3 : 5e-5);
  }
}

}  // namespace gpu_image_plan_test
}  // namespace ddl
