// SPDX-License-Identifier: Apache-2.0
// A device's plan beside the CPU's, on a device made of loops: what is asked of a GPU, and where
// its kernels read and write, are right before one is at hand.
#include "trainer/cuda/gpu_plan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/gpu_case.h"
#include "tests/trainer/tested_device.h"
#include "trainer/cuda/interface.h"

namespace ddl {
namespace gpu_plan_test {

constexpr std::size_t kFeatures = 21;  // not a multiple of anything
constexpr std::size_t kClasses = 5;
constexpr std::size_t kRows = 60;
constexpr std::uint64_t kSteps = 11;

struct PlanCase {
  std::string name;
  Activation activation = Activation::kRelu;
  OptimizerSettings optimizer;
  double dropout = 0.0;
  double label_smoothing = 0.0;
  double ema_decay = 0.0;
};

ModelShape ShapeOf(const PlanCase& at) {
  return {.batch = 12,
          .evaluation_batch = 20,
          .features = kFeatures,
          .classes = kClasses,
          .layers = DenseLayers({35, 18}, at.activation, at.dropout > 0.0),
          .keeps_gradients = at.optimizer.kind == OptimizerKind::kMuon,
          .keeps_average = at.ema_decay > 0.0,
          .orthogonalises = at.optimizer.kind == OptimizerKind::kMuon,
          .state_tensors = StateTensors(at.optimizer)};
}

// Three lanes that differ in all that lanes may differ in.
GpuPlanSettings SettingsOf(const PlanCase& at) {
  GpuPlanSettings settings{.shape = ShapeOf(at), .lanes = {}, .stretch = 4};
  for (std::size_t lane = 0; lane < 3; ++lane) {
    const double factor = 1.0 + 0.5 * static_cast<double>(lane);
    LaneSettings own{.seed = 40 + (std::uint64_t{lane} << 32U),
                     .optimizer = at.optimizer,
                     .dropout = at.dropout * factor,
                     .label_smoothing = at.label_smoothing * factor,
                     .ema_decay = at.ema_decay / factor};
    own.optimizer.lr *= factor;
    own.optimizer.weight_decay *= factor;
    settings.lanes.push_back(own);
  }
  return settings;
}

const ByteRows& Rows() {
  static const ByteRows rows(kRows, kFeatures, kClasses);
  return rows;
}

class GpuPlanCases : public testing::TestWithParam<PlanCase> {};

TEST_P(GpuPlanCases, StepsEvaluationsAndStatesAreTheCpus) {
  const GpuPlanSettings settings = SettingsOf(GetParam());
  TestedDevice device;
  DeviceLanes lanes(device, settings, Rows());
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  const std::vector<std::uint32_t> all = RowsOf(0, 1, 17, kRows);
  lanes.Compiled().Evaluate(std::vector<LaneBatch>(settings.lanes.size(), {.rows = all}));
  const std::vector<BatchScore> evaluated = lanes.Compiled().Scores();
  for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
    CpuLane cpu(settings.shape, settings.lanes[lane], Rows());
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(lane, step, settings.shape.batch, kRows), step);
      const BatchScore& found = scores[(step - 1) * settings.lanes.size() + lane];
      EXPECT_NEAR(found.loss_sum, expected.loss_sum, 2e-5 * (1.0 + expected.loss_sum)) << step;
      EXPECT_EQ(found.correct, expected.correct) << step;
      EXPECT_EQ(found.rows, expected.rows) << step;
    }
    const BatchScore expected = cpu.Evaluate(all);
    EXPECT_NEAR(evaluated[lane].loss_sum, expected.loss_sum, 2e-5 * (1.0 + expected.loss_sum));
    EXPECT_EQ(evaluated[lane].correct, expected.correct);
    EXPECT_EQ(evaluated[lane].rows, all.size());
    const std::vector<float> state = lanes.Compiled().State(lane);
    ASSERT_EQ(state.size(), cpu.State().size());
    EXPECT_LT(LargestGap(state, cpu.State()), 5e-5);
  }
}

TEST_P(GpuPlanCases, TheOrderOfThreadsDoesNotMatter) {
  TestedDevice up(ThreadOrder::kUp);
  TestedDevice down(ThreadOrder::kDown);
  DeviceLanes one(up, SettingsOf(GetParam()), Rows());
  DeviceLanes other(down, SettingsOf(GetParam()), Rows());
  one.Steps(1, 5);
  other.Steps(1, 5);
  for (std::size_t lane = 0; lane < 3; ++lane)
    EXPECT_EQ(one.Compiled().State(lane), other.Compiled().State(lane));
}

INSTANTIATE_TEST_SUITE_P(
    All, GpuPlanCases,
    testing::Values(
        PlanCase{.name = "plain", .optimizer = {.lr = 0.05}},
        PlanCase{.name = "momentum",
                 .activation = Activation::kTanh,
                 .optimizer = {.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-3}},
        PlanCase{.name = "nesterov",
                 .optimizer = {.lr = 0.02, .momentum = 0.8, .is_nesterov = true},
                 .label_smoothing = 0.1},
        PlanCase{.name = "adam",
                 .activation = Activation::kGelu,
                 .optimizer = {.kind = OptimizerKind::kAdam, .lr = 1e-3, .weight_decay = 1e-2},
                 .dropout = 0.2},
        PlanCase{.name = "adamw_average",
                 .optimizer = {.kind = OptimizerKind::kAdamW, .lr = 2e-3, .weight_decay = 0.1},
                 .dropout = 0.3,
                 .label_smoothing = 0.05,
                 .ema_decay = 0.9},
        PlanCase{.name = "lion",
                 .optimizer = {.kind = OptimizerKind::kLion,
                               .lr = 1e-4,
                               .beta2 = 0.99,
                               .weight_decay = 0.1}},
        PlanCase{.name = "muon",
                 .optimizer = {.kind = OptimizerKind::kMuon,
                               .lr = 0.01,
                               .momentum = 0.95,
                               .is_nesterov = true,
                               .weight_decay = 0.1},
                 .ema_decay = 0.9}),
    [](const auto& one) { return one.param.name; });

PlanCase Usual() {
  return {
      .name = "usual", .optimizer = {.kind = OptimizerKind::kAdamW, .lr = 1e-3}, .dropout = 0.1};
}

TEST(GpuPlan, ALaneIsBitForBitWhatItIsAlone) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes together(device, settings, Rows());
  together.Steps(1, kSteps);
  GpuPlanSettings alone = settings;
  alone.lanes.resize(1);  // lane 0 reads the rows that it reads in company
  TestedDevice other;
  DeviceLanes solo(other, alone, Rows());
  solo.Steps(1, kSteps);
  EXPECT_EQ(together.Compiled().State(0), solo.Compiled().State(0));
}

TEST(GpuPlan, LanesBehindTheWidthStandStill) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes lanes(device, settings, Rows());
  TestedDevice other;
  DeviceLanes whole(other, settings, Rows());
  const std::vector<float> before = lanes.Compiled().State(2);
  const std::vector<std::uint32_t> rows = RowsOf(0, 1, 12, kRows);
  const LaneBatch batch{.rows = rows, .step = 1, .lr = 0.1};
  lanes.Compiled().Train(std::vector<LaneBatch>(2, batch), 2);
  whole.Compiled().Train(std::vector<LaneBatch>(3, batch));
  for (std::size_t lane = 0; lane < 2; ++lane)
    EXPECT_EQ(lanes.Compiled().State(lane), whole.Compiled().State(lane));
  EXPECT_EQ(lanes.Compiled().State(2), before);
  const LaneBatch next{.rows = rows, .step = 2, .lr = 0.1};
  lanes.Compiled().Train(std::vector<LaneBatch>(3, next));
  EXPECT_NE(lanes.Compiled().State(2), before);
}

TEST(GpuPlan, StretchesOfAnyLengthGiveTheSameBits) {
  GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes in_fours(device, settings, Rows());
  in_fours.Steps(1, kSteps);
  settings.stretch = 1;
  TestedDevice other;
  DeviceLanes one_by_one(other, settings, Rows());
  one_by_one.Steps(1, kSteps);
  for (std::size_t lane = 0; lane < 3; ++lane)
    EXPECT_EQ(in_fours.Compiled().State(lane), one_by_one.Compiled().State(lane));
}

TEST(GpuPlan, AStateThatIsTakenElsewhereGoesOnWithTheSameBits) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes whole(device, settings, Rows());
  whole.Steps(1, 8);
  TestedDevice first;
  DeviceLanes begun(first, settings, Rows());
  begun.Steps(1, 4);
  TestedDevice second;
  DeviceLanes continued(second, settings, Rows());
  for (std::size_t lane = 0; lane < 3; ++lane)
    continued.Compiled().SetState(lane, begun.Compiled().State(lane));
  continued.Steps(5, 8);
  for (std::size_t lane = 0; lane < 3; ++lane)
    EXPECT_EQ(whole.Compiled().State(lane), continued.Compiled().State(lane));
}

TEST(GpuPlan, ALaneWithoutRowsStandsStill) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes lanes(device, settings, Rows());
  lanes.Steps(1, 2);
  const std::vector<float> before = lanes.Compiled().State(1);
  const std::vector<std::uint32_t> rows = RowsOf(0, 3, 12, kRows);
  lanes.Compiled().Train(std::vector<LaneBatch>{
      {.rows = rows, .step = 3, .lr = 0.1}, {}, {.rows = rows, .step = 3, .lr = 0.1}});
  EXPECT_EQ(lanes.Compiled().Scores()[1].rows, 0U);
  EXPECT_EQ(lanes.Compiled().State(1), before);
}

TEST(GpuPlan, ALaneThatDivergesHurtsNobody) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  DeviceLanes lanes(device, settings, Rows());
  std::vector<float> broken = lanes.Compiled().State(1);
  broken[0] = std::numeric_limits<float>::quiet_NaN();
  lanes.Compiled().SetState(1, broken);
  TestedDevice other;
  DeviceLanes sound(other, settings, Rows());
  const std::vector<BatchScore> scores = lanes.Steps(1, 4);
  sound.Steps(1, 4);
  EXPECT_TRUE(std::isnan(scores[1].loss_sum));
  EXPECT_EQ(lanes.Compiled().State(0), sound.Compiled().State(0));
  EXPECT_EQ(lanes.Compiled().State(2), sound.Compiled().State(2));
}

TEST(GpuPlan, TestRowsAreNumberedBehindTrainingRows) {
  const ByteRows test(7, kFeatures, kClasses);
  GpuData data = Rows().Data();
  const GpuPlanSettings settings = SettingsOf(Usual());
  TestedDevice device;
  data.train = test.Rows();
  data.test = Rows().Rows();
  GpuPlan plan(device, settings, data);
  std::vector<std::uint32_t> rows{7, 8, 9};
  plan.Evaluate(std::vector<LaneBatch>(3, {.rows = rows}));
  const std::vector<BatchScore> shifted = plan.Scores();
  TestedDevice other;
  GpuPlan straight(other, settings, Rows().Data());
  rows = {0, 1, 2};
  straight.Evaluate(std::vector<LaneBatch>(3, {.rows = rows}));
  EXPECT_EQ(shifted[0].loss_sum, straight.Scores()[0].loss_sum);
}

TEST(GpuPlan, AllocatesToTheByteWhatWasCounted) {
  const GpuPlanSettings settings = SettingsOf(Usual());
  const GpuMemory memory = CountGpuMemory(settings.shape, ShapeOf(Rows().Data()), settings.stretch);
  TestedDevice device;
  const GpuPlan plan(device, settings, Rows().Data());
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(settings.lanes.size()));
}

TEST(GpuPlan, TakesAsManyLanesAsNineTenthsOfTheMemoryHold) {
  const GpuMemory memory{.lane = 100 * kLeastGpuHeadroom, .shared = 50 * kLeastGpuHeadroom};
  EXPECT_EQ(LanesThatFit(memory, 64, {.free_bytes = 1'000 * kLeastGpuHeadroom}), 8U);
  EXPECT_EQ(LanesThatFit(memory, 4, {.free_bytes = 1'000 * kLeastGpuHeadroom}), 4U);
  EXPECT_THROW((void)LanesThatFit(memory, 4, {.free_bytes = 160 * kLeastGpuHeadroom}), Error);
}

TEST(GpuPlan, LeavesRoomForLoadedKernelsWhereLittleIsFree) {
  const GpuMemory memory{.lane = 100, .shared = 50};
  EXPECT_EQ(LanesThatFit(memory, 64, {.free_bytes = kLeastGpuHeadroom + 350}), 3U);
  EXPECT_EQ(MoreLanesThatFit(memory, kLeastGpuHeadroom + 350), 3U);
  EXPECT_EQ(MoreLanesThatFit(memory, kLeastGpuHeadroom / 2), 0U);
  EXPECT_THROW((void)LanesThatFit(memory, 4, {.free_bytes = kLeastGpuHeadroom}), Error);
}

TEST(GpuPlan, TellsAGpuThatIsTooSmallFromOneThatIsTaken) {
  const GpuMemory memory{.lane = 4 * kLeastGpuHeadroom, .shared = kLeastGpuHeadroom};
  const auto refusal = [&](std::size_t total) {
    try {
      (void)LanesThatFit(memory, 1, {.free_bytes = kLeastGpuHeadroom, .total_bytes = total});
      return std::string("none");
    } catch (const GpuMemoryError& refused) {
      return std::string(refused.Message());
    }
  };
  EXPECT_EQ(refusal(5 * kLeastGpuHeadroom),
            "one training needs 2.50 GiB of the GPU's memory, which has 2.00 in all: 2.00 of its "
            "own, 0.50 for data and what trainings share");
  EXPECT_EQ(refusal(6 * kLeastGpuHeadroom),
            "one training needs 2.50 GiB of the GPU's memory, and 0.00 are free: 2.00 of its own, "
            "0.50 for data and what trainings share");
}

// Rows so long that one block would go through them slab after slab.
TEST(GpuPlan, OutputsOfLongRowsAreAddedSliceBySlice) {
  constexpr std::size_t kLong = 1100;
  const ByteRows rows(kRows, kLong, kClasses);
  GpuPlanSettings settings =
      SettingsOf({.activation = Activation::kGelu, .optimizer = {.lr = 0.002}, .ema_decay = 0.5});
  settings.shape.features = kLong;
  const Model model = BuildModel(GpuShape(settings.shape));
  const TileSlices slices = OutputSlices(std::get<DenseStage>(model.stages.front()), 12);
  EXPECT_EQ(slices.count, 2U);
  EXPECT_EQ(slices.inner, 576U);
  TestedDevice device;
  DeviceLanes lanes(device, settings, rows);
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes,
            CountGpuMemory(settings.shape, ShapeOf(rows.Data()), settings.stretch)
                .Bytes(settings.lanes.size()));
  const std::vector<BatchScore> scores = lanes.Steps(1, 4);
  const std::vector<std::uint32_t> all = RowsOf(0, 1, 20, kRows);
  lanes.Compiled().Evaluate(std::vector<LaneBatch>(settings.lanes.size(), {.rows = all}));
  const std::vector<BatchScore> evaluated = lanes.Compiled().Scores();
  for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
    CpuLane cpu(settings.shape, settings.lanes[lane], rows);
    for (std::uint64_t step = 1; step <= 4; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(lane, step, settings.shape.batch, kRows), step);
      EXPECT_NEAR(scores[(step - 1) * settings.lanes.size() + lane].loss_sum, expected.loss_sum,
                  5e-5 * (1.0 + expected.loss_sum));
    }
    EXPECT_LT(LargestGap(lanes.Compiled().State(lane), cpu.State()), 5e-5);
    EXPECT_NEAR(evaluated[lane].loss_sum, cpu.Evaluate(all).loss_sum, 2e-3);
  }
}

}  // namespace gpu_plan_test
}  // namespace ddl
