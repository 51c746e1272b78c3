// SPDX-License-Identifier: Apache-2.0
// Every stage's way back against finite differences of an independent forward pass in double.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/reference_network.h"
#include "trainer/plan.h"

namespace ddl {
namespace {

struct GradientCase {
  std::string name;
  std::vector<std::size_t> hidden;
  Activation activation = Activation::kRelu;
  double dropout = 0.0;
  double label_smoothing = 0.0;
};

constexpr std::size_t kRows = 7;
constexpr std::size_t kFeatures = 5;
constexpr std::size_t kClasses = 3;

ModelShape ShapeOf(const GradientCase& at) {
  return {.batch = kRows + 1,  // the last row of the batch is not used
          .evaluation_batch = 1,
          .features = kFeatures,
          .classes = kClasses,
          .hidden = at.hidden,
          .activation = at.activation,
          .has_dropout = at.dropout > 0.0,
          .has_clipping = true};  // keeps whole gradients to look at
}

LaneSettings SettingsOf(const GradientCase& at) {
  return {.seed = 5,
          .optimizer = {.lr = 0.0},
          .dropout = at.dropout,
          .label_smoothing = at.label_smoothing};
}

class PlanGradient : public testing::TestWithParam<GradientCase> {
 protected:
  PlanGradient() : plan_(ShapeOf(GetParam()), {SettingsOf(GetParam())}) {
    FillLane(plan_, 0, 11);
    plan_.SetStep(0, kRows, 1, 0.0);
    plan_.Step();
  }

  void ExpectSlopes(ReferenceNetwork& reference, const Parameter& parameter) {
    const float* block = plan_.LaneBlock(0);
    for (std::size_t row = 0; row < parameter.value.rows; ++row) {
      for (std::size_t col = 0; col < parameter.value.cols; ++col) {
        const Tensor& gradient = parameter.gradient;
        const double found = block[gradient.offset + row * gradient.Stride() + col];
        EXPECT_NEAR(found, reference.Slope(parameter.value, row, col), 2e-6)
            << "row " << row << " col " << col;
      }
    }
  }

  Plan plan_;
};

TEST_P(PlanGradient, LossIsThatOfTheReference) {
  ReferenceNetwork reference(plan_, 0, kRows, GetParam().label_smoothing);
  EXPECT_NEAR(plan_.Score(0).loss_sum / kRows, reference.MeanLoss(), 1e-6);
  EXPECT_EQ(plan_.Score(0).rows, kRows);
}

TEST_P(PlanGradient, WeightsAndBiasesMatchFiniteDifferences) {
  ReferenceNetwork reference(plan_, 0, kRows, GetParam().label_smoothing);
  for (const DenseStage& stage : plan_.Compiled().layers) {
    ExpectSlopes(reference, stage.weight);
    ExpectSlopes(reference, stage.bias);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, PlanGradient,
    testing::Values(GradientCase{.name = "softmax", .hidden = {}},
                    GradientCase{.name = "smoothed_softmax", .hidden = {}, .label_smoothing = 0.1},
                    GradientCase{.name = "relu", .hidden = {6, 4}},
                    GradientCase{.name = "tanh", .hidden = {6, 4}, .activation = Activation::kTanh},
                    GradientCase{.name = "gelu", .hidden = {6, 4}, .activation = Activation::kGelu},
                    GradientCase{.name = "wide", .hidden = {21, 33}, .label_smoothing = 0.2},
                    GradientCase{.name = "relu_dropout", .hidden = {20, 9}, .dropout = 0.4},
                    GradientCase{.name = "tanh_dropout",
                                 .hidden = {20},
                                 .activation = Activation::kTanh,
                                 .dropout = 0.3},
                    GradientCase{.name = "gelu_dropout",
                                 .hidden = {20, 18},
                                 .activation = Activation::kGelu,
                                 .dropout = 0.5,
                                 .label_smoothing = 0.1}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace ddl
