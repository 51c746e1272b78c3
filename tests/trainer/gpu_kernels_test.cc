// SPDX-License-Identifier: Apache-2.0
// The kernels' bodies, as the host's compiler makes them and run as loops, beside the CPU's own
// kernels: bit for bit where nothing can be fused, else within bounds that are told.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/activation_kernels.h"
#include "trainer/dataset.h"
#include "trainer/initial_weights.h"
#include "trainer/optimizer.h"
#include "trainer/random_kernels.h"
#include "trainer/softmax_kernels.h"

namespace ddl {
namespace gpu_kernels_test {

// Forty rows' places, of which lanes use 33 and 40, from data of 50 rows.
constexpr std::uint32_t kRows = 40;

template <class Stored>
void ExpectGathered(const std::vector<Stored>& features, const Affine& affine,
                    std::uint32_t width) {
  std::vector<std::int32_t> labels(50);
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<std::int32_t>(100 + i);
  const Split split{.features = std::span<const Stored>(features), .labels = labels};
  const std::size_t stride = PaddedWidth(width);
  Memory memory(kRows * stride + 16);
  std::ranges::fill(memory.Lane(1), 7.0F);  // of an earlier batch
  Board board;
  board.order_rows = kRows;
  for (std::uint32_t i = 0; i < 2 * kLanes * kRows; ++i)
    board.order.push_back(i * 13 % 50);
  board.steps[2].rows = 33;
  board.steps[3].rows = kRows;
  std::vector<std::int32_t> found(kLanes * kRows, -1);
  std::vector<Affine> own(kLanes, affine);  // the second lane scales by other numbers
  for (float& factor : own[1].scale)
    factor *= 0.5F;
  for (float& mean : own[1].mean)
    mean += 1.0F;
  std::vector<float> mean;
  std::vector<float> scale;
  for (const Affine& one : own) {
    mean.insert(mean.end(), one.mean.begin(), one.mean.end());
    scale.insert(scale.end(), one.scale.begin(), one.scale.end());
  }
  RunOnHost(
      GatherBody<Stored>{
          .blocks = BlocksFor(kRows, GatherBody<Stored>::kBlockRows),
          .board = board.View(),
          .arena = memory.Arena(),
          .data = {.features = features.data(), .labels = labels.data(), .width = width},
          .scales = {.mean = mean.data(),
                     .scale = scale.data(),
                     .floats = static_cast<std::uint32_t>(affine.mean.size())},
          .out = 16,
          .stride = static_cast<std::uint32_t>(stride),
          .rows = kRows,
          .labels = found.data(),
          .label_rows = kRows},
      kLanes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    const std::uint32_t used = board.steps[2 + lane].rows;
    const auto rows = std::span(board.order).subspan((2 + lane) * kRows, used);
    std::vector<float> expected(kRows * stride, 0.0F);
    GatherRows(split, rows, own[lane], expected, stride);
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(memory.Lane(lane)[16 + i], expected[i]) << lane << " " << i;
    for (std::size_t row = 0; row < used; ++row)
      EXPECT_EQ(found[lane * kRows + row], labels[rows[row]]);
  }
}

TEST(GpuKernels, GatherScalesBytesBitForBit) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> bytes(50 * 203);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(random());
  ExpectGathered(bytes, {{72.93F}, {0.0111F}}, 203);
}

TEST(GpuKernels, GatherScalesEachRealFeatureBitForBit) {
  ExpectGathered(Normal(50 * 18, 2), {Normal(18, 3), Normal(18, 4)}, 18);
}

TEST(GpuKernels, DropoutIsTheCpusBitForBit) {
  constexpr std::uint32_t kStride = 208;  // three groups of columns and a part
  Memory memory(2 * kRows * kStride);
  Board board;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    const std::vector<float> values = Normal(kRows * kStride, 9 + lane);
    std::ranges::copy(values, memory.Lane(lane).begin());
    board.steps[2 + lane] = {
        .number = 7 + lane, .seed_low = 5, .seed_high = lane, .dropout = DropoutRuleOf(0.3)};
  }
  DropoutBody body{.board = board.View(),
                   .arena = memory.Arena(),
                   .input = 0,
                   .output = std::size_t{kRows} * kStride,
                   .rows = kRows,
                   .stride = kStride,
                   .purpose = DropoutPlace(0, 0, 3).purpose};
  body.blocks = BlocksFor(std::size_t{kRows} * body.Drawers(), DropoutBody::kThreads);
  RunOnHost(body, kLanes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    std::vector<float> mask(kRows * kStride);
    DrawMask(DropoutPlace(5 + (std::uint64_t{lane} << 32U), 7 + lane, 3), kRows, kStride, 0.3,
             mask.data());
    for (std::size_t i = 0; i < mask.size(); ++i)
      ASSERT_EQ(memory.Lane(lane)[kRows * kStride + i], memory.Lane(lane)[i] * mask[i]) << i;
  }
}

constexpr std::uint32_t kWide = 144;  // columns; blocks of 32 do not divide them

// Places in a lane: bias, bias gradient, then three matrices.
struct DensePlaces {
  static constexpr std::size_t kMatrix = std::size_t{kRows} * kWide;
  std::size_t bias = 0;
  std::size_t bias_gradient = kWide;
  std::size_t pre = 2 * kWide;
  std::size_t out = 2 * kWide + kMatrix;
  std::size_t gradient = 2 * kWide + 2 * kMatrix;
  std::size_t floats = 2 * kWide + 3 * kMatrix;
};

// Largest errors over both passes: relative to 1 + |expected|.
void ExpectDense(Activation activation, double bound) {
  const DensePlaces at;
  Memory memory(at.floats);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane)
    std::ranges::copy(Normal(at.floats, 20 + lane), memory.Lane(lane).begin());
  Memory cpu = memory;
  RunOnHost(BiasActivateBody{.blocks = BlocksFor(at.kMatrix / kFour, BiasActivateBody::kThreads),
                             .arena = memory.Arena(),
                             .activation = activation,
                             .bias = at.bias,
                             .pre = at.pre,
                             .out = at.out,
                             .rows = kRows,
                             .stride = kWide},
            kLanes);
  RunOnHost(ActivationGradientBody{.blocks = ColumnSlices{kRows, kWide}.Blocks(),
                                   .arena = memory.Arena(),
                                   .activation = activation,
                                   .pre = at.pre,
                                   .out = at.out,
                                   .gradient = at.gradient,
                                   .bias_gradient = at.bias_gradient,
                                   .rows = kRows,
                                   .stride = kWide},
            kLanes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    float* own = cpu.Lane(lane).data();
    const BlockShape shape{.rows = kRows, .stride = kWide};
    BiasActivate(activation, shape, own + at.bias, own + at.pre, own + at.out);
    std::fill_n(own + at.bias_gradient, kWide, 0.0F);
    ActivationGradient(activation, shape, {.pre = own + at.pre, .out = own + at.out},
                       own + at.gradient, own + at.bias_gradient);
    for (std::size_t i = 0; i < at.floats; ++i) {
      const bool is_sum = i >= at.bias_gradient && i < at.pre;  // in another order
      const double allowed = is_sum ? std::max(bound, 2e-5) : bound;
      ASSERT_NEAR(memory.Lane(lane)[i], own[i], allowed * (1.0 + std::fabs(own[i]))) << i;
    }
  }
}

TEST(GpuKernels, ReluAndIdentityAreTheCpusBitForBit) {
  ExpectDense(Activation::kIdentity, 0.0);
  ExpectDense(Activation::kRelu, 0.0);
}

// The CPU's compiler fuses products with sums where the processor can; the bounds are of that.
TEST(GpuKernels, TanhAndGeluAreTheCpusToTheirLastBits) {
  ExpectDense(Activation::kTanh, 1e-6);
  ExpectDense(Activation::kGelu, 1e-6);
}

// As a product left it.
TEST(GpuKernels, WhatHasItsBiasIsOnlyActivated) {
  constexpr std::uint32_t kRowsOfIt = 3;
  constexpr std::uint32_t kWidth = 16;
  constexpr std::size_t kNumbers = std::size_t{kRowsOfIt} * kWidth;
  Memory memory(2 * kNumbers);
  const std::vector<float> pre = Normal(kNumbers, 9);
  std::ranges::copy(pre, memory.Lane(1).begin());
  RunOnHost(BiasActivateBody{.blocks = 1,
                             .arena = memory.Arena(),
                             .activation = Activation::kGelu,
                             .bias = kNoTensor,
                             .pre = 0,
                             .out = kNumbers,
                             .rows = kRowsOfIt,
                             .stride = kWidth},
            kLanes);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    EXPECT_EQ(memory.Lane(1)[i], pre[i]);
    EXPECT_EQ(memory.Lane(1)[kNumbers + i], Activated(Activation::kGelu, pre[i]));
  }
}

TEST(GpuKernels, ReluHandsANanOn) {
  EXPECT_TRUE(std::isnan(Activated(Activation::kRelu, std::numeric_limits<float>::quiet_NaN())));
}

void ExpectLoss(std::uint32_t classes, float smoothing) {
  const auto stride = static_cast<std::uint32_t>(PaddedWidth(classes));
  constexpr std::uint32_t kLossRows = 150;  // two blocks and a part
  Memory memory(std::size_t{kLossRows} * stride);
  std::ranges::copy(Normal(memory.floats, 31, 3.0F), memory.Lane(1).begin());
  const std::vector<float> logits{memory.Lane(1).begin(), memory.Lane(1).end()};
  Board board;
  board.steps[3] = {.rows = 131, .label_smoothing = smoothing};
  std::vector<std::int32_t> labels(kLanes * kLossRows);
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<std::int32_t>(i * 7 % classes);
  std::vector<RowWorth> worth(labels.size());
  RunOnHost(SoftmaxLossBody{.blocks = BlocksFor(kLossRows, SoftmaxLossBody::kThreads),
                            .board = board.View(),
                            .arena = memory.Arena(),
                            .rows = kLossRows,
                            .stride = stride,
                            .classes = classes,
                            .is_training = true,
                            .labels = labels.data(),
                            .label_rows = kLossRows,
                            .worth = worth.data()},
            kLanes);
  RunOnHost(
      SumScoresBody{
          .board = board.View(), .worth = worth.data(), .worth_rows = kLossRows, .rows = kLossRows},
      kLanes);
  std::vector<float> expected = logits;
  const BatchScore score = SoftmaxCrossEntropyGradient(
      {.rows = 131, .stride = stride},
      {.labels = labels.data() + kLossRows, .classes = classes, .label_smoothing = smoothing},
      expected.data());
  EXPECT_NEAR(board.scores[3].loss_sum, score.loss_sum, 1e-6 * score.loss_sum);
  EXPECT_EQ(board.scores[3].correct, score.correct);
  EXPECT_EQ(board.scores[3].rows, score.rows);
  EXPECT_EQ(board.scores[2].rows, 0U);  // a lane that stands still
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float wanted = i < std::size_t{131} * stride ? expected[i] : 0.0F;
    ASSERT_NEAR(memory.Lane(1)[i], wanted, 1e-8) << i;
  }
}

TEST(GpuKernels, LossAndItsGradientAreTheCpus) {
  ExpectLoss(10, 0.0F);
  ExpectLoss(37, 0.1F);
  ExpectLoss(2, 0.0F);
}

struct UpdateCase {
  OptimizerSettings settings;
  bool keeps_average = false;
};

// 3,000 floats in three parts, of which the last is not whole.
void ExpectUpdate(const UpdateCase& at) {
  constexpr std::size_t kFloats = 3008;
  constexpr std::size_t kTensors = 5;  // value, gradient, first, second, average
  const int state = StateTensors(at.settings);
  Memory memory(kTensors * kFloats);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    std::ranges::copy(Normal(memory.floats, 50 + lane), memory.Lane(lane).begin());
    for (float& moment : memory.Lane(lane).subspan(3 * kFloats, kFloats))
      moment = std::fabs(moment);
  }
  Memory cpu = memory;
  std::vector<UpdatePart> parts;
  for (std::size_t start = 0; start < kFloats; start += kUpdateFloats) {
    const auto place = [&](std::size_t tensor, bool is_kept) {
      return is_kept ? tensor * kFloats + start : kNoTensor;
    };
    parts.push_back({.value = place(0, true),
                     .gradient = place(1, true),
                     .first = place(2, state > 0),
                     .second = place(3, state > 1),
                     .average = place(4, at.keeps_average),
                     .floats = static_cast<std::uint32_t>(
                         std::min<std::size_t>(kUpdateFloats, kFloats - start))});
  }
  Board board;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    LaneStep& step = board.steps[2 + lane];
    step.rows = 1;
    step.average_rate = 0.25F;
    step.rule = RuleAt(at.settings, at.settings.lr * (1.0 + lane), 3 + lane);
  }
  RunOnHost(UpdateBody{.blocks = static_cast<std::uint32_t>(parts.size()),
                       .board = board.View(),
                       .arena = memory.Arena(),
                       .parts = parts.data()},
            kLanes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    float* own = cpu.Lane(lane).data();
    UpdateWeights(board.steps[2 + lane].rule, kFloats, own + kFloats,
                  {.first = state > 0 ? own + 2 * kFloats : nullptr,
                   .second = state > 1 ? own + 3 * kFloats : nullptr},
                  own);
    if (at.keeps_average) MoveAverage(0.25F, kFloats, own, own + 4 * kFloats);
    for (std::size_t i = 0; i < memory.floats; ++i)
      ASSERT_NEAR(memory.Lane(lane)[i], own[i], 4e-7 * (1.0 + std::fabs(own[i]))) << i;
  }
}

TEST(GpuKernels, UpdatesMoveWeightsAsTheCpusDo) {
  ExpectUpdate({.settings = {.lr = 0.1, .weight_decay = 0.01}});
  ExpectUpdate({.settings = {.lr = 0.1, .momentum = 0.9}, .keeps_average = true});
  ExpectUpdate({.settings = {.lr = 0.1, .momentum = 0.9, .is_nesterov = true}});
  ExpectUpdate({.settings = {.kind = OptimizerKind::kAdam, .lr = 1e-2, .weight_decay = 0.1}});
  ExpectUpdate({.settings = {.kind = OptimizerKind::kAdamW, .lr = 1e-2, .weight_decay = 0.1},
                .keeps_average = true});
  ExpectUpdate({.settings = {.kind = OptimizerKind::kLion, .lr = 1e-2, .weight_decay = 0.1}});
}

TEST(GpuKernels, LionHandsANanOn) {
  MovingWeight weight{.value = 1.0F};
  MoveByLion(RuleAt({.kind = OptimizerKind::kLion, .lr = 0.1}, 0.1, 1),
             std::numeric_limits<float>::quiet_NaN(), weight);
  EXPECT_TRUE(std::isnan(weight.value));
}

TEST(GpuKernels, TheLastOfAStepMovesTheCursorOnce) {
  std::uint32_t cursor = 4;
  RunOnHost(AdvanceBody{.cursor = &cursor}, 3);
  EXPECT_EQ(cursor, 5U);
}

}  // namespace gpu_kernels_test
}  // namespace ddl
