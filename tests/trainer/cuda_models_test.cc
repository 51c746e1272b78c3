// SPDX-License-Identifier: Apache-2.0
// Networks of every kind of layer on a GPU, beside the CPU's plan and beside themselves in other
// company. Skipped where there is none; `./run-tests --gpu` insists that they run. How near fp32
// comes to the CPU has yet to be seen on hardware: bounds are of sums in another order.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_at_hand.h"
#include "tests/trainer/text_case.h"
#include "trainer/gemm.h"

namespace ddl {
namespace cuda_models_test {

constexpr std::uint64_t kSteps = 20;
constexpr std::size_t kRows = 512;
constexpr std::size_t kFeatures = 28 * 28;

struct ModelCase {
  std::string name;
  std::vector<Layer> layers;
  double bound = 1e-3;  // of a row's loss
  LossKind loss = LossKind::kCrossEntropy;
  bool clips = false;
  Precision precision = Precision::kFloat32;
  bool is_muon = false;
  ProductPrecision product = ProductPrecision::kFloat32;
  std::size_t batch = 32;
};

OptimizerSettings OptimizerOf(const ModelCase& at) {
  if (at.is_muon)
    return {.kind = OptimizerKind::kMuon, .lr = 5e-3, .momentum = 0.95, .is_nesterov = true};
  return {.kind = OptimizerKind::kAdamW, .lr = 3e-4, .epsilon = 1e-6};
}

GpuPlanSettings SettingsOf(const ModelCase& at, std::size_t lanes) {
  const bool is_of_classes = at.loss == LossKind::kCrossEntropy;
  const OptimizerSettings optimizer = OptimizerOf(at);
  GpuPlanSettings settings{
      .shape = {.batch = at.batch,
                .evaluation_batch = at.batch,
                .features = kFeatures,
                .image = ImageShape{.size = {.height = 28, .width = 28}, .channels = 1},
                .classes = is_of_classes ? 10U : 1U,
                .layers = at.layers,
                .keeps_gradients = at.clips || at.is_muon,
                .loss = at.loss,
                .precision = at.precision,
                .orthogonalises = at.is_muon,
                .state_tensors = StateTensors(optimizer)},
      .lanes = {},
      .stretch = 8,
      .precision = at.product};
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    settings.lanes.push_back({.seed = 5 + lane,
                              .optimizer = optimizer,
                              .target = {.mean = 4.5, .deviation = 2.9},
                              .clip_norm = at.clips ? 0.5 : 0.0});
  }
  return settings;
}

ByteRows RowsFor(const ModelCase& at) {
  ByteRows rows(kRows, kFeatures, 10);
  if (at.loss == LossKind::kCrossEntropy) return rows;
  for (std::int32_t& label : rows.labels)
    label = LabelOfTarget(static_cast<float>(label));
  return rows;
}

class CudaModels : public testing::TestWithParam<ModelCase> {
 protected:
  void SetUp() override {
    const std::string reason = WhyNoGpu();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
  // Of lane number `lane` among those from `first` on.
  std::vector<float> StateAfter(std::size_t lanes, std::size_t first, std::size_t lane) {
    const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
    GpuPlanSettings settings = SettingsOf(GetParam(), first + lanes);
    settings.lanes.erase(settings.lanes.begin(),
                         settings.lanes.begin() + static_cast<std::ptrdiff_t>(first));
    DeviceLanes own(*device, settings, rows_, first);
    own.Steps(1, kSteps);
    return own.Compiled().State(lane - first);
  }
  ByteRows rows_ = RowsFor(GetParam());
};

TEST_P(CudaModels, LossesAreTheCpus) {
  if (GetParam().precision == Precision::kBfloat16 && !HasBfloat16Products())
    GTEST_SKIP() << "this processor multiplies no bfloat16";
  const GpuPlanSettings settings = SettingsOf(GetParam(), 2);
  const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
  DeviceLanes lanes(*device, settings, rows_);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  const std::size_t batch = GetParam().batch;
  const double bound = GetParam().bound * static_cast<double>(batch);
  const std::vector<std::uint32_t> all = RowsOf(0, 1, batch, kRows);
  lanes.Compiled().Evaluate(std::vector<LaneBatch>(2, {.rows = all}));
  const std::vector<BatchScore> evaluated = lanes.Compiled().Scores();
  for (std::size_t lane = 0; lane < 2; ++lane) {
    CpuLane cpu(settings.shape, settings.lanes[lane], rows_);
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(lane, step, batch, kRows), step);
      const BatchScore& found = scores[(step - 1) * 2 + lane];
      ASSERT_EQ(found.rows, expected.rows);
      ASSERT_NEAR(found.loss_sum, expected.loss_sum, bound) << step;
    }
    EXPECT_NEAR(evaluated[lane].loss_sum, cpu.Evaluate(all).loss_sum, bound);
  }
}

TEST_P(CudaModels, ALaneOfManyIsBitForBitTheLaneAloneAndAgain) {
  for (const std::size_t lane : {0U, 13U}) {
    const std::vector<float> alone = StateAfter(1, lane, lane);
    EXPECT_EQ(StateAfter(1, lane, lane), alone);
    EXPECT_EQ(StateAfter(2, lane == 0 ? 0 : lane - 1, lane), alone);
    EXPECT_EQ(StateAfter(24, 0, lane), alone);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, CudaModels,
    testing::Values(ModelCase{.name = "cnn", .layers = ParseLayers("32c3-p-64c3-p-fc128", {})},
                    ModelCase{.name = "resnet",
                              .layers = ParseLayers("16c3-r16-r32s2-ga", {.has_norm = true}),
                              .bound = 5e-3},
                    ModelCase{
                        .name = "huber_clipped",
                        .layers = ParseLayers("8c3s2-a-fc64", {.activation = Activation::kTanh}),
                        .loss = LossKind::kHuber,
                        .clips = true},
                    ModelCase{.name = "cnn_tf32",
                              .layers = ParseLayers("32c3-p-64c3-p-fc128", {}),
                              .bound = 5e-3,
                              .product = ProductPrecision::kTensorFloat32},
                    ModelCase{.name = "resnet_tf32",
                              .layers = ParseLayers("16c3-r16-r32s2-ga", {.has_norm = true}),
                              .bound = 2e-2,
                              .product = ProductPrecision::kTensorFloat32},
                    ModelCase{.name = "cnn_bf16",
                              .layers = ParseLayers("32c3-p-64c3-p-fc128", {}),
                              .bound = 2e-2,
                              .precision = Precision::kBfloat16},
                    ModelCase{.name = "resnet_bf16",
                              .layers = ParseLayers("16c3-r16-r32s2-ga", {.has_norm = true}),
                              .bound = 5e-2,
                              .precision = Precision::kBfloat16},
                    ModelCase{.name = "mlp_bf16",
                              .layers = DenseLayers({256, 128}, Activation::kRelu, false),
                              .bound = 2e-2,
                              .precision = Precision::kBfloat16},
                    ModelCase{.name = "mlp_bf16_of_library",  // more rows than tiles take
                              .layers = DenseLayers({256, 128}, Activation::kRelu, false),
                              .bound = 2e-2,
                              .precision = Precision::kBfloat16,
                              .batch = 640},
                    ModelCase{.name = "cnn_muon",
                              .layers = ParseLayers("16c3-p-32c3-p-fc64", {}),
                              .bound = 1e-2,
                              .is_muon = true}),
    [](const auto& one) { return one.param.name; });

struct TextCase {
  std::string name;
  double bound = 2e-3;  // of a token's loss
  Precision precision = Precision::kFloat32;
  ProductPrecision product = ProductPrecision::kFloat32;
};

GpuPlanSettings TextSettings(const TextCase& at, std::size_t lanes) {
  const OptimizerSettings optimizer{.kind = OptimizerKind::kAdamW, .lr = 2e-3, .epsilon = 1e-6};
  GpuPlanSettings settings{.shape = {.batch = 16,
                                     .evaluation_batch = 16,
                                     .features = 160,  // three tiles of attention
                                     .classes = kVocabulary,
                                     .layers = TransformerLayers(2, 4, 128, true),
                                     .precision = at.precision,
                                     .state_tensors = StateTensors(optimizer)},
                           .lanes = {},
                           .stretch = 1,
                           .precision = at.product};
  for (std::size_t lane = 0; lane < lanes; ++lane)
    settings.lanes.push_back({.seed = 30 + lane, .optimizer = optimizer, .dropout = 0.1});
  return settings;
}

class CudaTexts : public testing::TestWithParam<TextCase> {};

TEST_P(CudaTexts, LossesOfATransformerAreTheCpusAndALaneIsTheLaneAlone) {
  const std::string reason = WhyNoGpu();
  if (!reason.empty()) GTEST_SKIP() << reason;
  if (GetParam().precision == Precision::kBfloat16 && !HasBfloat16Products())
    GTEST_SKIP() << "this processor multiplies no bfloat16";
  const Text text;
  const GpuPlanSettings settings = TextSettings(GetParam(), 3);
  const GpuPlanSettings one = TextSettings(GetParam(), 1);
  const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
  const auto other = CudaLibrary(BuiltCudaLibrary()).Open(0);
  const auto together = MakePlan(*device, settings, text);
  const auto alone = MakePlan(*other, one, text);
  CpuText cpu(settings, 0, text);
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    Step(*together, settings, step);
    Step(*alone, one, step);
    const std::vector<std::uint32_t> rows = RowsOf(0, step, settings.shape.batch, kPlaces);
    cpu.Load(rows);
    cpu.Compiled().SetStep(0, rows.size(), step, 2e-3);
    cpu.Compiled().Step();
    const BatchScore expected = cpu.Compiled().Score(0);
    const BatchScore found = together->Scores()[0];
    ASSERT_EQ(found.rows, expected.rows);
    ASSERT_NEAR(found.loss_sum, expected.loss_sum,
                GetParam().bound * static_cast<double>(expected.rows));
  }
  EXPECT_EQ(together->State(0), alone->State(0));
}

INSTANTIATE_TEST_SUITE_P(
    All, CudaTexts,
    testing::Values(TextCase{.name = "fp32"},
                    TextCase{
                        .name = "tf32", .bound = 1e-2, .product = ProductPrecision::kTensorFloat32},
                    TextCase{.name = "bf16", .bound = 5e-2, .precision = Precision::kBfloat16}),
    [](const auto& one) { return one.param.name; });

}  // namespace cuda_models_test
}  // namespace ddl
