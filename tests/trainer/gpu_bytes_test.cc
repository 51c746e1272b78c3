// SPDX-License-Identifier: Apache-2.0
// What a step on a GPU reads and writes, beside counts by hand.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/cuda/operation_bytes.h"

namespace ddl {
namespace gpu_bytes_test {

constexpr ImageShape kImage{.size = {.height = 28, .width = 28}, .channels = 1};

ModelShape ShapeOf(std::size_t batch, const std::vector<Layer>& layers, Precision precision) {
  return {.batch = batch,
          .evaluation_batch = batch,
          .features = 784,
          .image = kImage,
          .classes = 10,
          .layers = layers,
          .precision = precision,
          .state_tensors = 2};
}

StepBytes Count(const ModelShape& shape,
                ProductPrecision precision = ProductPrecision::kTensorFloat32) {
  return CountStepBytes(BuildModel(GpuShape(shape)), precision);
}

// Of one dense layer, whose products add its bias and move its weights.
TEST(GpuBytes, OfSoftmaxRegressionAreThoseOfItsMatrices) {
  constexpr double kRows = 128.0 * 784.0;
  constexpr double kWeights = 784.0 * 16.0;
  constexpr double kLogits = 128.0 * 16.0;
  const StepBytes step = Count(ShapeOf(128, {}, Precision::kFloat32));
  const double gathered = kRows + 4.0 * kRows;  // from bytes
  const double outputs = kRows + kWeights + kLogits;
  const double loss = 2.0 * kLogits;
  const double bias_gradient = kLogits;
  const double weights = kRows + kLogits + 6.0 * kWeights;  // with both moments
  const double biases = 7.0 * 16.0;
  EXPECT_DOUBLE_EQ(step.bytes,
                   gathered + 4.0 * (outputs + loss + bias_gradient + weights + biases));
  EXPECT_EQ(step.operations, 8U);
}

TEST(GpuBytes, OfBfloat16AreHalfWhereActivationsAreMostOfThem) {
  const std::vector<Layer> layers = ParseLayers("32c3-r32-r64s2-ga", {.has_norm = true});
  const StepBytes whole = Count(ShapeOf(128, layers, Precision::kFloat32));
  const StepBytes rounded = Count(ShapeOf(128, layers, Precision::kBfloat16));
  EXPECT_EQ(rounded.operations, whole.operations + 1);  // copies of weights
  EXPECT_LT(rounded.bytes, 0.54 * whole.bytes);
  EXPECT_GT(rounded.bytes, 0.5 * whole.bytes);
}

// What docs/trainer.md says of four networks, to be compared with others.
TEST(GpuBytes, AreWhatTheDocumentsSay) {
  const auto expect = [](const ModelShape& shape, double megabytes, std::size_t operations) {
    const StepBytes step = Count(shape);
    EXPECT_NEAR(step.bytes / 1e6, megabytes, 0.01 * megabytes);
    EXPECT_EQ(step.operations, operations);
  };
  expect(ShapeOf(128, DenseLayers({256, 128}, Activation::kRelu, false), Precision::kFloat32), 9.7,
         16);
  const std::vector<Layer> cnn = ParseLayers("32c3-p-64c3-p-fc128", {});
  expect(ShapeOf(128, cnn, Precision::kFloat32), 72.0, 26);
  expect(ShapeOf(128, cnn, Precision::kBfloat16), 48.6, 27);
  const std::vector<Layer> resnet =
      ParseLayers("32c3-r32-r64s2-r64-r128s2-r128-ga", {.has_norm = true});
  expect(ShapeOf(128, resnet, Precision::kFloat32), 1399.0, 141);
  expect(ShapeOf(128, resnet, Precision::kBfloat16), 773.0, 142);
  ModelShape gpt = ShapeOf(64, TransformerLayers(6, 6, 384, false), Precision::kBfloat16);
  gpt.image.reset();
  gpt.features = 256;
  gpt.classes = 65;
  expect(gpt, 10463.0, 283);
}

}  // namespace gpu_bytes_test
}  // namespace ddl
