// SPDX-License-Identifier: Apache-2.0
// What a step costs, what a machine reaches, and how both are told.
#include "trainer/accounting.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/json.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/explain.h"
#include "trainer/limits.h"
#include "trainer/metric_line.h"

namespace ddl {
namespace accounting_test {

using testing::HasSubstr;
using testing::Not;

ModelShape Perceptron() {
  return {.batch = 128,
          .evaluation_batch = 256,
          .features = 784,
          .classes = 10,
          .layers = DenseLayers({256, 128}, Activation::kRelu, false),
          .state_tensors = 1};
}

TEST(Accounting, CountsTheProductsOfAPerceptron) {
  const double first = 2.0 * 128 * 784 * 256;  // no gradient of the data
  const double rest = 2.0 * 128 * (256 * 128 + 128 * 10);
  EXPECT_EQ(CostOf(BuildModel(Perceptron())).flops, 2 * first + 3 * rest);
}

// One dense layer, 32 inputs to 16 classes, 8 rows, with momentum: no padding anywhere.
TEST(Accounting, CountsEachTensorOnceAPass) {
  const Model model = BuildModel(
      {.batch = 8, .evaluation_batch = 64, .features = 32, .classes = 16, .state_tensors = 1});
  const double input = 2.0 * 8 * 32;   // forward, backward; data have no gradient
  const double output = 3.0 * 8 * 16;  // and the gradient, in place
  const double weights =
      7.0 * (32 + 1) * 16;  // forward 1; update: gradient 2, weight 2, momentum 2
  const StepCost cost = CostOf(model, model.stages.front());
  EXPECT_EQ(cost.bytes, 4.0 * (input + output + weights));
  EXPECT_EQ(CostOf(model).bytes, cost.bytes + 4.0 * 2.0 * 8 * 16) << "and the loss";
}

TEST(Accounting, SumsUpTheStages) {
  const Model model =
      BuildModel({.batch = 4,
                  .features = 64,
                  .image = ImageShape{.size = {.height = 8, .width = 8}, .channels = 1},
                  .classes = 3,
                  .layers = ParseLayers("16c3-r16s2-p-fc20", {})});
  double flops = 0.0;
  for (const Stage& stage : model.stages) {
    const StepCost cost = CostOf(model, stage);
    EXPECT_GT(cost.bytes + (std::holds_alternative<ForkStage>(stage) ? 1.0 : 0.0), 0.0);
    flops += cost.flops;
  }
  EXPECT_EQ(CostOf(model).flops, flops);
  EXPECT_GT(flops, 0.0);
}

TEST(Accounting, ExplainsEachStageAndTheLeastTime) {
  const Plan plan(Perceptron(), {{.optimizer = {.momentum = 0.9}}});
  const std::string text = Explain(plan, 100e9);
  EXPECT_THAT(text, HasSubstr("at the measured 100.0 GFLOP/s a step takes 1289 us at least"));
  EXPECT_THAT(text, HasSubstr("  1 dense                 256     102.76"));
  EXPECT_THAT(text, HasSubstr("sgemm"));
  EXPECT_THAT(Explain(plan, 0.0), HasSubstr("ddl doctor --bench measures it"));
}

TEST(Accounting, TellsAPercentageOnlyOfAKnownLimit) {
  EpochMetrics metrics{.epoch = 1, .samples_per_s = 1000.0, .gflops = 25.0};
  EXPECT_THAT(EpochLine(metrics), HasSubstr("\"gflops\": 25.00"));
  EXPECT_THAT(EpochLine(metrics), Not(HasSubstr("percent_of_limit")));
  metrics.limit_gflops = 100.0;
  EXPECT_THAT(EpochLine(metrics), HasSubstr("\"percent_of_limit\": 25.0"));
}

TEST(Accounting, LimitsAreKeptForTheSameMachineAlone) {
  const TrainerFolder folder;
  const std::filesystem::path cache = folder.Path() / "made" / "when needed";
  EXPECT_FALSE(KeptLimits(cache, "one"));
  KeepLimits(cache, "one", {.float32_flops = 1e11, .bf16_flops = 2e11, .memory_bytes = 2e10});
  const auto kept = KeptLimits(cache, "one");
  ASSERT_TRUE(kept);
  EXPECT_EQ(LimitOf(kept, Precision::kFloat32, 2), 2e11);
  EXPECT_EQ(LimitOf(kept, Precision::kBfloat16, 1), 2e11);
  EXPECT_EQ(kept->memory_bytes, 2e10);
  EXPECT_FALSE(KeptLimits(cache, "another"));
  std::filesystem::rename(LimitsFile(cache, "one"), LimitsFile(cache, "another"));
  EXPECT_FALSE(KeptLimits(cache, "another")) << "the file tells whose it is";
  std::ofstream(LimitsFile(cache, "one")) << "{\"machine\": \"one\"";
  EXPECT_FALSE(KeptLimits(cache, "one"));
  EXPECT_EQ(LimitOf(std::nullopt, Precision::kFloat32, 1), 0.0);
}

TEST(Accounting, MeasuresWhatACoreReaches) {
  const MachineLimits limits = MeasureLimits();
  EXPECT_GT(limits.float32_flops, 1e8);  // even a sanitizer's build on a busy machine
  EXPECT_GT(limits.memory_bytes, 1e7);
  EXPECT_EQ(limits.bf16_flops.has_value(), HasBfloat16Products());
}

}  // namespace accounting_test
}  // namespace ddl
