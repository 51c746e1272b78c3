// SPDX-License-Identifier: Apache-2.0
// Numbers in bfloat16 on a device made of loops: how they are stored and copied, and trainings that
// round what they multiply, beside the CPU's and beside those in floats.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_case.h"
#include "tests/trainer/kernel_case.h"
#include "tests/trainer/tested_device.h"
#include "trainer/bfloat16.h"
#include "trainer/bfloat16_bits.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/interface.h"
#include "trainer/gemm.h"

namespace ddl {
namespace gpu_bfloat16_test {

TEST(GpuBfloat16, CopiesAreRoundedAsTheCpuRoundsThemBitForBit) {
  constexpr std::size_t kFloats = 2064;  // two blocks and a part
  Memory memory(kFloats + kFloats / 2);
  std::ranges::copy(Normal(kFloats, 3, 1e3F), memory.Lane(1).begin());
  memory.Lane(1)[5] = std::numeric_limits<float>::infinity();
  memory.Lane(1)[6] = std::bit_cast<float>(0x7F800001U);  // a NaN that its upper half is not
  memory.Lane(1)[7] = std::bit_cast<float>(0x3F808000U);  // halfway, to even
  memory.Lane(1)[8] = std::bit_cast<float>(0x3F818000U);
  memory.Lane(1)[9] = std::numeric_limits<float>::max();
  for (const ThreadOrder order : {ThreadOrder::kUp, ThreadOrder::kDown}) {
    RunOnHost(RoundingBody{.blocks = BlocksFor(kFloats / kFour, RoundingBody::kThreads),
                           .arena = memory.Arena(),
                           .from = 0,
                           .to = kFloats,
                           .floats = kFloats},
              kLanes, order);
    std::vector<Bfloat16> expected(kFloats);
    RoundToBfloat16(kFloats, memory.Lane(1).data(), expected.data());
    const auto* found = reinterpret_cast<const Bfloat16*>(&memory.Lane(1)[kFloats]);
    for (std::size_t i = 0; i < kFloats; ++i)
      ASSERT_EQ(found[i].bits, expected[i].bits) << i;
  }
}

TEST(GpuBfloat16, NumbersAreReadAsTheyWereStored) {
  constexpr std::size_t kCount = 16;
  const std::vector<float> values = Normal(kCount, 4, 1e2F);
  for (const bool is_rounded : {false, true}) {
    std::vector<float> expected = values;
    for (float& value : expected)
      if (is_rounded) value = std::bit_cast<float>(std::uint32_t{Bfloat16Bits(value)} << 16U);
    for (const std::size_t at_once : {1U, 2U, 4U}) {
      Memory memory(3 * kCount);
      const LaneFloats arena = memory.Arena();
      const LaneNumbers numbers(kCount, is_rounded);
      for (std::size_t i = 0; i < kCount; i += at_once) {
        if (at_once == 1) numbers.Put(arena, 1, i, values[i]);
        if (at_once == 2) numbers.PutTwo(arena, 1, i, values[i], values[i + 1]);
        if (at_once == 4)
          numbers.PutFour(arena, 1, i, {{values[i], values[i + 1], values[i + 2], values[i + 3]}});
      }
      for (std::size_t i = 0; i < kCount; ++i) {
        EXPECT_EQ(numbers.At(arena, 1, i), expected[i]);
        EXPECT_EQ(numbers.FourAt(arena, 1, i / 4 * 4).at[i % 4], expected[i]);
        EXPECT_EQ(memory.Lane(1)[i], 0.0F) << "written before its place";
        EXPECT_EQ(memory.Lane(1)[2 * kCount + i], 0.0F) << "written behind it";
        const bool is_free = is_rounded && i >= kCount / 2;
        EXPECT_TRUE(!is_free || memory.Lane(1)[kCount + i] == 0.0F);
      }
    }
  }
}

// What is handed on in bfloat16 alone is what a copy of the whole gradients would be.
TEST(GpuBfloat16, GradientsOfActivationsAreHandedOnRounded) {
  constexpr std::uint32_t kMany = 530;  // two slices
  constexpr std::uint32_t kWide = 48;
  constexpr std::size_t kFloats = std::size_t{kMany} * kWide;
  for (const Activation activation :
       {Activation::kIdentity, Activation::kRelu, Activation::kTanh, Activation::kGelu}) {
    Memory whole(3 * kFloats + kFloats / 2 + 2 * std::size_t{kWide});
    std::ranges::copy(Normal(3 * kFloats, 5), whole.Lane(1).begin());
    Memory rounded = whole;
    ActivationGradientBody body{.blocks = ColumnSlices{kMany, kWide}.Blocks(),
                                .arena = whole.Arena(),
                                .activation = activation,
                                .pre = 0,
                                .out = kFloats,
                                .gradient = 2 * kFloats,
                                .bias_gradient = 3 * kFloats + kFloats / 2,
                                .rows = kMany,
                                .stride = kWide};
    RunOnHost(body, kLanes);
    body.arena = rounded.Arena();
    body.copy = 3 * kFloats;
    const std::vector<float> before(rounded.Lane(1).begin(), rounded.Lane(1).begin() + body.copy);
    RunOnHost(body, kLanes);
    std::vector<Bfloat16> expected(kFloats);
    RoundToBfloat16(kFloats, &whole.Lane(1)[body.gradient.offset], expected.data());
    const auto* found = reinterpret_cast<const Bfloat16*>(&rounded.Lane(1)[body.copy]);
    for (std::size_t i = 0; i < kFloats; ++i)
      ASSERT_EQ(found[i].bits, expected[i].bits) << i;
    EXPECT_TRUE(std::ranges::equal(rounded.Lane(1).first(body.copy), before)) << "nothing else";
    EXPECT_TRUE(std::ranges::equal(rounded.Lane(1).subspan(body.bias_gradient),
                                   whole.Lane(1).subspan(body.bias_gradient)));
  }
}

struct PrecisionCase {
  std::string name;
  std::vector<Layer> layers;
  std::optional<ImageShape> image;
  // Nothing but products reads activations, which round them on a CPU too, and gradients of these
  // are none but zero or all of what is passed back.
  bool is_cpus = false;
};

constexpr std::size_t kRows = 30;
constexpr std::size_t kClasses = 5;
constexpr std::size_t kFeatures = 72;
constexpr std::uint64_t kSteps = 4;

GpuPlanSettings SettingsOf(const PrecisionCase& at, Precision precision) {
  const OptimizerSettings optimizer{.lr = 0.05, .momentum = 0.9};
  GpuPlanSettings settings{.shape = {.batch = 6,
                                     .evaluation_batch = 8,
                                     .features = kFeatures,
                                     .image = at.image,
                                     .classes = kClasses,
                                     .layers = at.layers,
                                     .precision = precision,
                                     .state_tensors = StateTensors(optimizer)},
                           .lanes = {},
                           .stretch = 4};
  for (std::size_t lane = 0; lane < 2; ++lane)
    settings.lanes.push_back({.seed = 70 + lane, .optimizer = optimizer, .dropout = 0.2});
  return settings;
}

class GpuBfloat16Cases : public testing::TestWithParam<PrecisionCase> {
 protected:
  GpuPlanSettings settings_ = SettingsOf(GetParam(), Precision::kBfloat16);
  ByteRows rows_ = ByteRows(kRows, kFeatures, kClasses);
};

// Sums in another order now and then round a number the other way, by one part in 256: what comes
// of that is far less than what rounding itself changes.
TEST_P(GpuBfloat16Cases, StatesAreFarNearerToTheCpusThanToThoseOfWholeFloats) {
  if (!GetParam().is_cpus) GTEST_SKIP() << "a GPU alone rounds what is read number by number";
  if (!HasBfloat16Products()) GTEST_SKIP() << "this processor multiplies no bfloat16";
  TestedDevice device;
  DeviceLanes lanes(device, settings_, rows_);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  for (std::size_t lane = 0; lane < 2; ++lane) {
    CpuLane cpu(settings_.shape, settings_.lanes[lane], rows_);
    const GpuPlanSettings in_floats = SettingsOf(GetParam(), Precision::kFloat32);
    CpuLane other(in_floats.shape, in_floats.lanes[lane], rows_);
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const std::vector<std::uint32_t> rows = RowsOf(lane, step, settings_.shape.batch, kRows);
      const BatchScore expected = cpu.Step(rows, step);
      (void)other.Step(rows, step);
      EXPECT_NEAR(scores[(step - 1) * 2 + lane].loss_sum, expected.loss_sum,
                  2e-3 * (1.0 + expected.loss_sum));
    }
    const std::vector<float> state = lanes.Compiled().State(lane);
    const double to_cpu = MeanGap(state, cpu.State());
    const double to_floats = MeanGap(state, other.State());
    EXPECT_GT(to_floats, 0.0);
    EXPECT_LT(to_cpu, to_floats / 8.0);
  }
}

// On any processor: near the same training in floats, and not the same. Where two numbers nearly
// are one, another pixel may be the maximum, or another side of zero.
TEST_P(GpuBfloat16Cases, StaysNearATrainingInFloats) {
  TestedDevice device;
  DeviceLanes lanes(device, settings_, rows_);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  const GpuPlanSettings in_floats = SettingsOf(GetParam(), Precision::kFloat32);
  for (std::size_t lane = 0; lane < 2; ++lane) {
    CpuLane cpu(in_floats.shape, in_floats.lanes[lane], rows_);
    const std::vector<float> begin(cpu.State().begin(), cpu.State().end());
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const std::vector<std::uint32_t> rows = RowsOf(lane, step, settings_.shape.batch, kRows);
      const double expected = cpu.Step(rows, step).loss_sum;
      EXPECT_NEAR(scores[(step - 1) * 2 + lane].loss_sum, expected, 0.02 * (1.0 + expected));
    }
    const double gap = MeanGap(lanes.Compiled().State(lane), cpu.State());
    const double way = MeanGap(begin, cpu.State());
    EXPECT_GT(gap, 0.0);
    EXPECT_LT(gap, way / 5.0);
  }
}

TEST_P(GpuBfloat16Cases, NeitherOrderOfThreadsNorCompanyMatters) {
  TestedDevice up(ThreadOrder::kUp);
  TestedDevice down(ThreadOrder::kDown);
  GpuPlanSettings alone = settings_;
  alone.lanes.resize(1);
  DeviceLanes together(up, settings_, rows_);
  DeviceLanes solo(down, alone, rows_);
  together.Steps(1, 3);
  solo.Steps(1, 3);
  EXPECT_EQ(together.Compiled().State(0), solo.Compiled().State(0));
}

TEST_P(GpuBfloat16Cases, AllocatesToTheByteWhatWasCounted) {
  TestedDevice device;
  const GpuPlan plan(device, settings_, rows_.Data());
  const GpuMemory memory =
      CountGpuMemory(settings_.shape, ShapeOf(rows_.Data()), settings_.stretch);
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(2));
}

constexpr ImageShape kImage{.size = {.height = 9, .width = 8}, .channels = 1};

INSTANTIATE_TEST_SUITE_P(
    All, GpuBfloat16Cases,
    testing::Values(
        PrecisionCase{.name = "dense",
                      .layers = DenseLayers({35, 18}, Activation::kRelu, false),
                      .is_cpus = true},
        PrecisionCase{.name = "gelu", .layers = DenseLayers({35, 18}, Activation::kGelu, false)},
        PrecisionCase{.name = "conv",
                      .layers = ParseLayers("6c3-p-20c3s2-7c1-fc12", {}),
                      .image = kImage,
                      .is_cpus = true},
        PrecisionCase{.name = "residual",
                      .layers = ParseLayers("6c3-r6-r20s2-ga", {.has_norm = true}),
                      .image = kImage},
        PrecisionCase{.name = "pools_and_dropout",
                      .layers = ParseLayers("a2-20c2v-p2-fc12",
                                            {.activation = Activation::kGelu, .has_dropout = true}),
                      .image = kImage}),
    [](const auto& one) { return one.param.name; });

}  // namespace gpu_bfloat16_test
}  // namespace ddl
