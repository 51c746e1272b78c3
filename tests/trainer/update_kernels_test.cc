// SPDX-License-Identifier: Apache-2.0
#include "trainer/update_kernels.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/optimizer.h"

namespace ddl {
namespace update_kernels_test {

// One weight of 1 under the gradients 0.5, -0.25, 0.125: small enough to follow by hand.
struct Trace {
  OptimizerSettings settings;
  double scale = 1.0;
};

std::vector<float> Follow(const Trace& trace) {
  float weight = 1.0F;
  float first = 0.0F;
  float second = 0.0F;
  std::vector<float> weights;
  for (std::uint64_t step = 1; step <= 3; ++step) {
    const float gradient = std::vector<float>{0.5F, -0.25F, 0.125F}[step - 1];
    UpdateRule rule = RuleAt(trace.settings, trace.settings.lr, step);
    rule.gradient_scale = static_cast<float>(trace.scale);
    UpdateWeights(rule, 1, &gradient, {.first = &first, .second = &second}, &weight);
    weights.push_back(weight);
  }
  return weights;
}

void ExpectNear(const std::vector<float>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 2e-7) << i;
}

TEST(UpdateKernels, SgdSubtractsTheRateTimesTheGradient) {
  ExpectNear(Follow({.settings = {.lr = 0.1}}), {0.95, 0.975, 0.9625});
}

TEST(UpdateKernels, GradientScaleShortensTheGradientAlone) {
  ExpectNear(Follow({.settings = {.lr = 0.1}, .scale = 0.5}), {0.975, 0.9875, 0.98125});
}

// v: 0.5, 0.2, 0.305.
TEST(UpdateKernels, MomentumFollowsPyTorchsUndampedForm) {
  ExpectNear(Follow({.settings = {.lr = 0.1, .momentum = 0.9}}), {0.95, 0.93, 0.8995});
}

// g + 0.9 v: 0.95, -0.07, 0.3995.
TEST(UpdateKernels, NesterovLooksOneStepAhead) {
  ExpectNear(Follow({.settings = {.lr = 0.1, .momentum = 0.9, .is_nesterov = true}}),
             {0.905, 0.912, 0.87205});
}

// The gradient of step 1 is 0.5 + 0.1 * 1 = 0.6, of step 2 -0.25 + 0.1 * 0.94 = -0.156, …
TEST(UpdateKernels, SgdAddsWeightDecayToTheGradient) {
  ExpectNear(Follow({.settings = {.lr = 0.1, .weight_decay = 0.1}}), {0.94, 0.9556, 0.933544});
}

// The first step of Adam is the rate in the direction of the gradient, whatever its size.
TEST(UpdateKernels, AdamsFirstStepHasTheSizeOfTheRate) {
  const auto weights = Follow({.settings = {.kind = OptimizerKind::kAdam, .lr = 0.1}});
  EXPECT_NEAR(weights[0], 0.9, 1e-6);
}

// The published algorithm, in double, step by step.
std::vector<double> AdamByTheBook(double lr, double coupled, double decoupled) {
  double w = 1.0;
  double m = 0.0;
  double v = 0.0;
  std::vector<double> weights;
  for (int t = 1; t <= 3; ++t) {
    const double g =
        std::vector<double>{0.5, -0.25, 0.125}[static_cast<std::size_t>(t) - 1] + coupled * w;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double m_hat = m / (1.0 - std::pow(0.9, t));
    const double v_hat = v / (1.0 - std::pow(0.999, t));
    w -= lr * decoupled * w;
    w -= lr * m_hat / (std::sqrt(v_hat) + 1e-8);
    weights.push_back(w);
  }
  return weights;
}

TEST(UpdateKernels, AdamFollowsThePublishedAlgorithm) {
  ExpectNear(Follow({.settings = {.kind = OptimizerKind::kAdam, .lr = 0.1}}),
             AdamByTheBook(0.1, 0.0, 0.0));
}

TEST(UpdateKernels, AdamCouplesWeightDecayToTheGradient) {
  ExpectNear(Follow({.settings = {.kind = OptimizerKind::kAdam, .lr = 0.1, .weight_decay = 0.1}}),
             AdamByTheBook(0.1, 0.1, 0.0));
}

TEST(UpdateKernels, AdamWShrinksTheWeightBesideTheGradient) {
  ExpectNear(Follow({.settings = {.kind = OptimizerKind::kAdamW, .lr = 0.1, .weight_decay = 0.1}}),
             AdamByTheBook(0.1, 0.0, 0.1));
}

// The sign of 0.9 m + 0.1 g, where m is 0.99 m + 0.01 g: 0, 0.005, 0.00245: +, -, +. The decay
// shrinks by lr * weight_decay.
TEST(UpdateKernels, LionStepsByTheSign) {
  const OptimizerSettings settings{.kind = OptimizerKind::kLion, .lr = 0.1, .beta2 = 0.99};
  ExpectNear(Follow({.settings = settings}), {0.9, 1.0, 0.9});
  OptimizerSettings decayed = settings;
  decayed.weight_decay = 0.5;
  ExpectNear(Follow({.settings = decayed}), {0.85, 0.9075, 0.762125});
}

TEST(UpdateKernels, LionHandsOnANaN) {
  const UpdateRule rule = RuleAt({.kind = OptimizerKind::kLion}, 0.1, 1);
  const float gradient = NAN;
  float momentum = 0.0F;
  float weight = 1.0F;
  UpdateWeights(rule, 1, &gradient, {.first = &momentum}, &weight);
  EXPECT_TRUE(std::isnan(weight));
}

TEST(UpdateKernels, EveryWeightOfARunIsTreatedAlike) {
  constexpr std::size_t kCount = 37;  // no multiple of a vector
  std::vector<float> weights(kCount, 1.0F);
  std::vector<float> first(kCount, 0.0F);
  std::vector<float> second(kCount, 0.0F);
  const std::vector<float> gradient(kCount, 0.5F);
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kLion}) {
    const OptimizerSettings settings{.kind = kind, .lr = 0.1, .momentum = 0.9};
    UpdateWeights(RuleAt(settings, 0.1, 1), kCount, gradient.data(),
                  {.first = first.data(), .second = second.data()}, weights.data());
    for (const float weight : weights)
      EXPECT_FLOAT_EQ(weight, weights[0]);
  }
}

TEST(UpdateKernels, ZeroGradientsKeepZeroWeightsExactlyZero) {
  constexpr std::size_t kCount = 16;
  const std::vector<float> gradient(kCount, 0.0F);
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kLion}) {
    std::vector<float> weights(kCount, 0.0F);
    std::vector<float> first(kCount, 0.0F);
    std::vector<float> second(kCount, 0.0F);
    const OptimizerSettings settings{.kind = kind, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.1};
    UpdateWeights(RuleAt(settings, 0.1, 1), kCount, gradient.data(),
                  {.first = first.data(), .second = second.data()}, weights.data());
    EXPECT_EQ(weights, std::vector<float>(kCount, 0.0F));
  }
}

TEST(UpdateKernels, SumOfSquaresCountsEveryElementOnce) {
  std::vector<float> values(1003);
  double expected = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i) * 0.01F;
    expected += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  EXPECT_NEAR(SumOfSquares(values.size(), values.data()), expected, expected * 1e-12);
}

TEST(UpdateKernels, AverageMovesByItsShare) {
  const std::vector<float> weights{1.0F, -2.0F};
  std::vector<float> average{0.0F, 2.0F};
  MoveAverage(0.25F, 2, weights.data(), average.data());
  EXPECT_EQ(average, (std::vector<float>{0.25F, 1.0F}));
}

TEST(Optimizer, AveragesAreShortAtFirst) {
  EXPECT_FLOAT_EQ(AverageRate(0.999, 1), 9.0F / 11.0F);
  EXPECT_FLOAT_EQ(AverageRate(0.999, 1'000'000), 0.001F);
}

TEST(Optimizer, KeepsOnlyTheStateItsRuleNeeds) {
  EXPECT_EQ(StateTensors({.kind = OptimizerKind::kSgd}), 0);
  EXPECT_EQ(StateTensors({.kind = OptimizerKind::kSgd, .momentum = 0.9}), 1);
  EXPECT_EQ(StateTensors({.kind = OptimizerKind::kAdam}), 2);
  EXPECT_EQ(StateTensors({.kind = OptimizerKind::kLion}), 1);
}

}  // namespace update_kernels_test
}  // namespace ddl
