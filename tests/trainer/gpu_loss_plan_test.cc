// SPDX-License-Identifier: Apache-2.0
// Regressions and clipped gradients on a device made of loops, beside the CPU's plan.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_case.h"
#include "tests/trainer/tested_device.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/interface.h"

namespace ddl {
namespace gpu_loss_plan_test {

constexpr std::size_t kFeatures = 21;
constexpr std::size_t kRows = 60;
constexpr std::uint64_t kSteps = 7;

struct LossCase {
  std::string name;
  LossKind loss = LossKind::kCrossEntropy;
  bool clips = false;
};

// Targets far from 0, as prices are.
ByteRows RowsFor(LossKind loss) {
  ByteRows rows(kRows, kFeatures, 5);
  if (loss == LossKind::kCrossEntropy) return rows;
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto own = static_cast<float>(rows.labels[i]);
    rows.labels[i] = LabelOfTarget(1000.0F + 40.0F * own + static_cast<float>(i % 7));
  }
  return rows;
}

// Three lanes: one that does not clip, one that does now and then, one that always does.
GpuPlanSettings SettingsOf(const LossCase& at) {
  const bool is_of_classes = at.loss == LossKind::kCrossEntropy;
  const OptimizerSettings optimizer{.lr = 0.02, .momentum = 0.9};
  GpuPlanSettings settings{.shape = {.batch = 12,
                                     .evaluation_batch = 20,
                                     .features = kFeatures,
                                     .classes = is_of_classes ? 5U : 1U,
                                     .layers = DenseLayers({70, 18}, Activation::kTanh, false),
                                     .keeps_gradients = at.clips,
                                     .loss = at.loss,
                                     .state_tensors = StateTensors(optimizer)},
                           .lanes = {},
                           .stretch = 3};
  const double norms[] = {0.0, 0.7, 0.01};
  for (std::size_t lane = 0; lane < 3; ++lane) {
    settings.lanes.push_back(
        {.seed = 90 + lane,
         .optimizer = optimizer,
         .huber_delta = 0.3 + static_cast<double>(lane),
         .target = {.mean = 1080.0 + static_cast<double>(lane), .deviation = 57.0},
         .clip_norm = at.clips ? norms[lane] : 0.0});
  }
  return settings;
}

void ExpectScore(const BatchScore& found, const BatchScore& expected) {
  const auto expect = [](double own, double wanted) {
    EXPECT_NEAR(own, wanted, 2e-5 * (1.0 + std::fabs(wanted)));
  };
  expect(found.loss_sum, expected.loss_sum);
  expect(found.errors.distances, expected.errors.distances);
  expect(found.errors.squares, expected.errors.squares);
  expect(found.errors.targets, expected.errors.targets);
  expect(found.errors.target_squares, expected.errors.target_squares);
  EXPECT_EQ(found.correct, expected.correct);
  EXPECT_EQ(found.rows, expected.rows);
}

class GpuLossPlanCases : public testing::TestWithParam<LossCase> {};

TEST_P(GpuLossPlanCases, StepsEvaluationsAndStatesAreTheCpus) {
  const GpuPlanSettings settings = SettingsOf(GetParam());
  const ByteRows rows = RowsFor(GetParam().loss);
  TestedDevice device;
  DeviceLanes lanes(device, settings, rows);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  const std::vector<std::uint32_t> all = RowsOf(0, 1, 17, kRows);
  lanes.Compiled().Evaluate(std::vector<LaneBatch>(3, {.rows = all}));
  const std::vector<BatchScore> evaluated = lanes.Compiled().Scores();
  for (std::size_t lane = 0; lane < 3; ++lane) {
    CpuLane cpu(settings.shape, settings.lanes[lane], rows);
    for (std::uint64_t step = 1; step <= kSteps; ++step)
      ExpectScore(scores[(step - 1) * 3 + lane],
                  cpu.Step(RowsOf(lane, step, settings.shape.batch, kRows), step));
    ExpectScore(evaluated[lane], cpu.Evaluate(all));
    EXPECT_LT(LargestGap(lanes.Compiled().State(lane), cpu.State()), 2e-5);
  }
}

TEST_P(GpuLossPlanCases, NeitherOrderOfThreadsNorCompanyMatters) {
  const GpuPlanSettings settings = SettingsOf(GetParam());
  const ByteRows rows = RowsFor(GetParam().loss);
  TestedDevice up(ThreadOrder::kUp);
  TestedDevice down(ThreadOrder::kDown);
  DeviceLanes one(up, settings, rows);
  DeviceLanes other(down, settings, rows);
  one.Steps(1, 4);
  other.Steps(1, 4);
  for (std::size_t lane = 0; lane < 3; ++lane)
    EXPECT_EQ(one.Compiled().State(lane), other.Compiled().State(lane));
}

TEST_P(GpuLossPlanCases, AllocatesToTheByteWhatWasCounted) {
  const GpuPlanSettings settings = SettingsOf(GetParam());
  const ByteRows rows = RowsFor(GetParam().loss);
  TestedDevice device;
  const GpuPlan plan(device, settings, rows.Data());
  const GpuMemory memory = CountGpuMemory(settings.shape, ShapeOf(rows.Data()), settings.stretch);
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(3));
}

INSTANTIATE_TEST_SUITE_P(
    All, GpuLossPlanCases,
    testing::Values(LossCase{.name = "squares", .loss = LossKind::kSquares},
                    LossCase{.name = "distances", .loss = LossKind::kDistances},
                    LossCase{.name = "huber", .loss = LossKind::kHuber},
                    LossCase{.name = "huber_clipped", .loss = LossKind::kHuber, .clips = true},
                    LossCase{.name = "classes_clipped", .clips = true}),
    [](const auto& one) { return one.param.name; });

TEST(GpuLossPlan, ATargetThatIsNoNumberIsToldByTheLoss) {
  const GpuPlanSettings settings = SettingsOf({.loss = LossKind::kDistances, .clips = true});
  ByteRows rows = RowsFor(LossKind::kDistances);
  rows.labels[0] = LabelOfTarget(std::nanf(""));
  TestedDevice device;
  DeviceLanes lanes(device, settings, rows);
  const std::vector<std::uint32_t> own{0};
  const std::vector<std::uint32_t> others{1, 2};
  lanes.Compiled().Train(
      std::vector<LaneBatch>{{.rows = others, .lr = 0.1}, {.rows = own, .lr = 0.1}, {}});
  const std::vector<BatchScore> scores = lanes.Compiled().Scores();
  EXPECT_TRUE(std::isnan(scores[1].loss_sum));
  EXPECT_TRUE(std::isfinite(scores[0].loss_sum));
  EXPECT_TRUE(std::isnan(lanes.Compiled().State(1)[0]));
}

}  // namespace gpu_loss_plan_test
}  // namespace ddl
