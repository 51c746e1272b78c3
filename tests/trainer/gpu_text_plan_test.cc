// SPDX-License-Identifier: Apache-2.0
// Transformers on a device made of loops, beside the CPU's plan: windows of one text.
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/tested_device.h"
#include "tests/trainer/text_case.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/interface.h"

namespace ddl {
namespace gpu_text_plan_test {

constexpr std::uint64_t kSteps = 5;

struct TextCase {
  std::string name;
  std::size_t depth = 1;
  std::size_t heads = 1;
  std::size_t width = 16;
  std::size_t length = 9;
  double dropout = 0.0;
  double ema_decay = 0.0;
};

GpuPlanSettings SettingsOf(const TextCase& at, Precision precision = Precision::kFloat32) {
  const OptimizerSettings optimizer{.kind = OptimizerKind::kAdamW, .lr = 2e-3, .epsilon = 1e-4};
  GpuPlanSettings settings{
      .shape = {.batch = 6,
                .evaluation_batch = 7,
                .features = at.length,
                .classes = kVocabulary,
                .layers = TransformerLayers(at.depth, at.heads, at.width, at.dropout > 0.0),
                .keeps_average = at.ema_decay > 0.0,
                .precision = precision,
                .state_tensors = StateTensors(optimizer)},
      .lanes = {},
      .stretch = 3};
  for (std::size_t lane = 0; lane < 2; ++lane) {
    settings.lanes.push_back({.seed = 30 + lane,
                              .optimizer = optimizer,
                              .dropout = at.dropout,
                              .ema_decay = at.ema_decay});
  }
  return settings;
}

class GpuTextPlanCases : public testing::TestWithParam<TextCase> {
 protected:
  GpuPlanSettings settings_ = SettingsOf(GetParam());
  GpuPlanSettings rounded_ = SettingsOf(GetParam(), Precision::kBfloat16);
  Text text_;
};

void ExpectScore(const BatchScore& found, const BatchScore& expected) {
  EXPECT_NEAR(found.loss_sum, expected.loss_sum, 5e-5 * (1.0 + expected.loss_sum));
  EXPECT_EQ(found.correct, expected.correct);
  EXPECT_EQ(found.rows, expected.rows);
}

TEST_P(GpuTextPlanCases, StepsEvaluationsAndStatesAreTheCpus) {
  TestedDevice device;
  const auto plan = MakePlan(device, settings_, text_);
  std::deque<CpuText> cpus;
  for (std::size_t lane = 0; lane < 2; ++lane)
    cpus.emplace_back(settings_, lane, text_);
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    Step(*plan, settings_, step);
    const std::vector<BatchScore> scores = plan->Scores();
    for (std::size_t lane = 0; lane < 2; ++lane) {
      const std::vector<std::uint32_t> rows = RowsOf(lane, step, settings_.shape.batch, kPlaces);
      cpus[lane].Load(rows);
      cpus[lane].Compiled().SetStep(0, rows.size(), step, 2e-3);
      cpus[lane].Compiled().Step();
      ExpectScore(scores[lane], cpus[lane].Compiled().Score(0));
    }
  }
  const std::vector<std::uint32_t> all = RowsOf(0, 1, 7, kPlaces);
  plan->Evaluate(std::vector<LaneBatch>(2, {.rows = all}));
  const std::vector<BatchScore> evaluated = plan->Scores();
  for (std::size_t lane = 0; lane < 2; ++lane) {
    cpus[lane].Load(all);
    cpus[lane].Compiled().Evaluate(all.size());
    ExpectScore(evaluated[lane], cpus[lane].Compiled().Score(0));
    EXPECT_LT(LargestGap(plan->State(lane), cpus[lane].Compiled().State(0)), 5e-5);
  }
}

TEST_P(GpuTextPlanCases, OfBfloat16StaysNearATrainingInFloats) {
  TestedDevice device;
  const auto plan = MakePlan(device, rounded_, text_);
  CpuText cpu(settings_, 0, text_);
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    Step(*plan, rounded_, step);
    const std::vector<std::uint32_t> rows = RowsOf(0, step, settings_.shape.batch, kPlaces);
    cpu.Load(rows);
    cpu.Compiled().SetStep(0, rows.size(), step, 2e-3);
    cpu.Compiled().Step();
    const double expected = cpu.Compiled().Score(0).loss_sum;
    EXPECT_NEAR(plan->Scores()[0].loss_sum, expected, 3e-3 * (1.0 + expected)) << step;
  }
  const double gap = MeanGap(plan->State(0), cpu.Compiled().State(0));
  EXPECT_GT(gap, 0.0);
  EXPECT_LT(gap, 2e-4);
}

TEST_P(GpuTextPlanCases, NeitherOrderOfThreadsNorCompanyMatters) {
  for (const GpuPlanSettings& settings : {settings_, rounded_}) {
    TestedDevice up(ThreadOrder::kUp);
    TestedDevice down(ThreadOrder::kDown);
    GpuPlanSettings alone = settings;
    alone.lanes.resize(1);
    const auto together = MakePlan(up, settings, text_);
    const auto solo = MakePlan(down, alone, text_);
    for (std::uint64_t step = 1; step <= 3; ++step) {
      Step(*together, settings, step);
      Step(*solo, alone, step);
    }
    EXPECT_EQ(together->State(0), solo->State(0));
  }
}

TEST_P(GpuTextPlanCases, AllocatesToTheByteWhatWasCounted) {
  for (const GpuPlanSettings& settings : {settings_, rounded_}) {
    TestedDevice device;
    const GpuData data = text_.Data(settings.shape.features);
    const GpuPlan plan(device, settings, data);
    const GpuMemory memory = CountGpuMemory(settings.shape, ShapeOf(data), settings.stretch);
    EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(2));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, GpuTextPlanCases,
    testing::Values(
        TextCase{.name = "one_head"},
        TextCase{.name = "two_blocks", .depth = 2, .heads = 2, .width = 24},
        TextCase{.name = "odd_heads_and_dropout",
                 .heads = 3,
                 .width = 21,
                 .length = 13,
                 .dropout = 0.2,
                 .ema_decay = 0.8},
        // More than 512 rows: products of the library's, with its bias.
        TextCase{.name = "several_tiles", .heads = 1, .width = 10, .length = 90},
        TextCase{
            .name = "tiles_and_dropout", .heads = 2, .width = 10, .length = 70, .dropout = 0.1},
        TextCase{.name = "wide_head", .heads = 1, .width = 144, .length = 5},
        TextCase{.name = "wide_head_and_dropout",
                 .heads = 1,
                 .width = 72,
                 .length = 21,
                 .dropout = 0.3}),
    [](const auto& one) { return one.param.name; });

}  // namespace gpu_text_plan_test
}  // namespace ddl
