// SPDX-License-Identifier: Apache-2.0
// Every stage's way back against finite differences of an independent forward pass in double.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/reference_network.h"
#include "trainer/plan.h"

namespace ddl {
namespace plan_gradient_test {

struct GradientCase {
  std::string name;
  std::vector<Layer> layers;
  std::optional<ImageShape> image = std::nullopt;  // else five features
  double dropout = 0.0;
  double label_smoothing = 0.0;
};

constexpr std::size_t kRows = 7;
constexpr std::size_t kFeatures = 5;
constexpr std::size_t kClasses = 3;
constexpr std::uint64_t kStep = 3;

ModelShape ShapeOf(const GradientCase& at) {
  return {.batch = kRows + 1,  // the last row of the batch is not used
          .evaluation_batch = 1,
          .features = at.image ? at.image->size.Pixels() * at.image->channels : kFeatures,
          .image = at.image,
          .classes = kClasses,
          .layers = at.layers,
          .keeps_gradients = true};  // keeps whole gradients to look at
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
    plan_.SetStep(0, kRows, kStep, 0.0);
    plan_.Step();
  }

  void ExpectSlopes(ReferenceNetwork& reference, const ModelParameter& parameter) {
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
  ReferenceNetwork reference(plan_, 0, kRows, SettingsOf(GetParam()), kStep);
  const double loss = reference.MeanLoss();
  const std::size_t count = kRows * plan_.Compiled().targets;
  EXPECT_EQ(plan_.Score(0).rows, count);
  EXPECT_NEAR(plan_.Score(0).loss_sum / static_cast<double>(count), loss, 1e-6 * (1.0 + loss));
}

TEST_P(PlanGradient, WeightsAndBiasesMatchFiniteDifferences) {
  ReferenceNetwork reference(plan_, 0, kRows, SettingsOf(GetParam()), kStep);
  ForEachParameter(plan_.Compiled().stages,
                   [&](const ModelParameter& parameter) { ExpectSlopes(reference, parameter); });
}

constexpr Activation kRelu = Activation::kRelu;
constexpr Activation kTanh = Activation::kTanh;
constexpr Activation kGelu = Activation::kGelu;

INSTANTIATE_TEST_SUITE_P(
    Models, PlanGradient,
    testing::Values(
        GradientCase{.name = "softmax", .layers = {}},
        GradientCase{.name = "smoothed_softmax", .layers = {}, .label_smoothing = 0.1},
        GradientCase{.name = "relu", .layers = DenseLayers({6, 4}, kRelu, false)},
        GradientCase{.name = "tanh", .layers = DenseLayers({6, 4}, kTanh, false)},
        GradientCase{.name = "gelu", .layers = DenseLayers({6, 4}, kGelu, false)},
        GradientCase{
            .name = "wide", .layers = DenseLayers({21, 33}, kRelu, false), .label_smoothing = 0.2},
        GradientCase{
            .name = "relu_dropout", .layers = DenseLayers({20, 9}, kRelu, true), .dropout = 0.4},
        GradientCase{
            .name = "tanh_dropout", .layers = DenseLayers({20}, kTanh, true), .dropout = 0.3},
        GradientCase{.name = "gelu_dropout",
                     .layers = DenseLayers({20, 18}, kGelu, true),
                     .dropout = 0.5,
                     .label_smoothing = 0.1}),
    [](const auto& tested) { return tested.param.name; });

GradientCase Images(const std::string& name, const std::string& layers, std::size_t size,
                    std::size_t channels, LayerDefaults defaults = {}) {
  return {.name = name,
          .layers = ParseLayers(layers, defaults),
          .image = ImageShape{.size = {.height = size, .width = size + 1}, .channels = channels},
          .dropout = defaults.has_dropout ? 0.3 : 0.0};
}

INSTANTIATE_TEST_SUITE_P(
    Images, PlanGradient,
    testing::Values(Images("convolution", "4c3", 5, 1), Images("of_colours", "3c3", 4, 3),
                    Images("without_padding", "4c2v-fc5", 5, 2), Images("stride", "4c3s2", 7, 1),
                    Images("wide_window", "2c5", 3, 1), Images("pools", "3c3-p-4c3-a", 9, 1),
                    Images("odd_pools", "3c1-p3", 7, 2),
                    Images("pools_in_a_row", "3c3-p-p-4c3-a2-p", 17, 1),
                    Images("normed_pool", "3c3-p-4c3-a", 9, 1, {.has_norm = true}),
                    Images("pool_of_data", "p-3c3", 6, 3), Images("mean_of_image", "16c3-ga", 4, 1),
                    Images("two_deep", "17c3-2c3-fc6", 4, 1),
                    Images("tanh_convolution", "4c3-3c3", 4, 1, {.activation = kTanh}),
                    Images("gelu_convolution", "4c3-3c3", 4, 1, {.activation = kGelu}),
                    Images("norm", "4c3-3c3", 5, 1, {.has_norm = true}),
                    Images("tanh_norm", "4c3", 5, 1, {.activation = kTanh, .has_norm = true}),
                    Images("dense_dropout", "4c3-p-fc20", 6, 1, {.has_dropout = true}),
                    Images("residual", "4c3-r4", 5, 1), Images("residual_of_data", "r4-ga", 5, 4),
                    Images("wider_residual", "3c3-r5s2-r5-ga", 6, 1)),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Texts, PlanGradient,
    testing::Values(
        GradientCase{.name = "embedding", .layers = {EmbedLayer{.width = 6}}},
        GradientCase{.name = "layer_norm", .layers = {EmbedLayer{.width = 17}, LayerNormLayer{}}},
        GradientCase{.name = "one_head", .layers = TransformerLayers(1, 1, 4, false)},
        GradientCase{.name = "heads_and_depth", .layers = TransformerLayers(2, 2, 6, false)},
        GradientCase{.name = "transformer_dropout",
                     .layers = TransformerLayers(1, 3, 6, true),
                     .dropout = 0.3}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace plan_gradient_test
}  // namespace ddl
