// SPDX-License-Identifier: Apache-2.0
#include "trainer/schedule.h"

#include <gtest/gtest.h>

namespace ddl {
namespace schedule_test {

double RateAt(const ScheduleSettings& settings, std::uint64_t step) {
  return LearningRate(settings, 0.1, {.step = step, .steps_per_epoch = 10, .epochs = 10});
}

TEST(Schedule, ConstantStaysWhereItIs) {
  EXPECT_EQ(RateAt({}, 0), 0.1);
  EXPECT_EQ(RateAt({}, 99), 0.1);
}

TEST(Schedule, StepFallsAtTheEpochAndNotBefore) {
  const ScheduleSettings settings{.kind = ScheduleKind::kStep, .step_size = 3, .gamma = 0.5};
  EXPECT_DOUBLE_EQ(RateAt(settings, 29), 0.1);
  EXPECT_DOUBLE_EQ(RateAt(settings, 30), 0.05);
  EXPECT_DOUBLE_EQ(RateAt(settings, 60), 0.025);
}

TEST(Schedule, CosineRunsFromTheRateToItsLowest) {
  const ScheduleSettings settings{.kind = ScheduleKind::kCosine, .min_lr = 0.02};
  EXPECT_DOUBLE_EQ(RateAt(settings, 0), 0.1);
  EXPECT_NEAR(RateAt(settings, 50), 0.06, 1e-12);
  EXPECT_NEAR(RateAt(settings, 100), 0.02, 1e-12);
}

TEST(Schedule, WarmUpRisesToTheRateAndHandsOver) {
  const ScheduleSettings settings{.kind = ScheduleKind::kCosine, .warmup_epochs = 2};
  EXPECT_DOUBLE_EQ(RateAt(settings, 0), 0.005);
  EXPECT_DOUBLE_EQ(RateAt(settings, 9), 0.05);
  EXPECT_DOUBLE_EQ(RateAt(settings, 19), 0.1);
  EXPECT_DOUBLE_EQ(RateAt(settings, 20), 0.1);
  EXPECT_NEAR(RateAt(settings, 60), 0.05, 1e-12);
}

TEST(Schedule, PartOfAnEpochWarmsUpToo) {
  const ScheduleSettings settings{.warmup_epochs = 0.25};  // 2.5 steps
  EXPECT_DOUBLE_EQ(RateAt(settings, 0), 0.04);
  EXPECT_DOUBLE_EQ(RateAt(settings, 1), 0.08);
  EXPECT_DOUBLE_EQ(RateAt(settings, 2), 0.1);
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=100): its steps 29 and 99 are the top
// and the end of the published defaults.
TEST(Schedule, OneCycleRisesAndFalls) {
  const ScheduleSettings settings{.kind = ScheduleKind::kOneCycle};
  EXPECT_DOUBLE_EQ(RateAt(settings, 0), 0.004);
  EXPECT_NEAR(RateAt(settings, 29), 0.1, 1e-12);
  EXPECT_NEAR(RateAt(settings, 64), 0.0500002, 1e-9);
  EXPECT_NEAR(RateAt(settings, 99), 4e-7, 1e-12);
}

}  // namespace schedule_test
}  // namespace ddl
