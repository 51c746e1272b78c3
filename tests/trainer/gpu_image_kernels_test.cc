// SPDX-License-Identifier: Apache-2.0
// The bodies of pooling and batch normalisation beside what they are defined as, or beside the
// CPU's stages; threads in both orders.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/batch_norm.h"
#include "trainer/cuda/batch_norm_bodies.h"
#include "trainer/cuda/join_bodies.h"
#include "trainer/cuda/pool_bodies.h"

namespace ddl {
namespace gpu_image_kernels_test {

constexpr ThreadOrder kOrders[] = {ThreadOrder::kUp, ThreadOrder::kDown};

// Windows of 2 x 3 over 5 x 7 pixels, of which the last row and column are in none.
struct PoolCase {
  explicit PoolCase(PoolKind kind) {
    constexpr std::size_t kSamples = 2;
    constexpr std::size_t kChannels = 5;
    stage.kind = kind;
    stage.image = {
        .size = {.height = 5, .width = 7}, .channels = kChannels, .pixel = 16, .sample = 35 * 16};
    stage.window = {.height = 2, .width = 3};
    const auto place = [this](std::size_t rows) {
      const Tensor tensor{.offset = floats, .rows = rows, .cols = kChannels};
      floats += tensor.Floats();
      return tensor;
    };
    stage.input = {.values = place(kSamples * 35), .gradient = place(kSamples * 35), .places = 35};
    stage.output = {.values = place(kSamples * 4), .gradient = place(kSamples * 4), .places = 4};
    stage.left = place(1);
  }
  PoolStage stage;
  std::size_t floats = 0;
  PoolPlacesOfLane at{.height = 5,
                      .width = 7,
                      .pixel = 16,
                      .sample = 35 * 16,
                      .window_height = 2,
                      .window_width = 3,
                      .out_height = 2,
                      .out_width = 2,
                      .out_stride = 16};
};

// With the places of maxima kept from the way there, or looked for on the way back.
void ExpectPooling(PoolKind kind, ThreadOrder order, bool is_kept) {
  const PoolCase one(kind);
  const PoolStage& stage = one.stage;
  constexpr std::size_t kHeirFloats = 8 * 16 / sizeof(float);
  Memory memory(one.floats + kHeirFloats);
  const std::size_t heirs = is_kept ? one.floats : kNoTensor;
  for (float& value : memory.Lane(1))  // few values, so that maxima are shared
    value = std::round(2.0F * Normal(1, static_cast<unsigned>(&value - &memory.Lane(1)[0]))[0]);
  memory.Lane(1)[stage.input.values.offset + 3] = std::nanf("");
  Memory cpu = memory;
  const std::uint32_t windows = 8;
  const std::uint32_t blocks = BlocksFor(windows * one.at.out_stride, PoolBody::kThreads);
  RunOnHost(PoolBody{.blocks = blocks,
                     .arena = memory.Arena(),
                     .kind = kind,
                     .at = one.at,
                     .images = stage.input.values.offset,
                     .out = stage.output.values.offset,
                     .heirs = heirs,
                     .windows = windows},
            kLanes, order);
  RunOnHost(UnpoolBody{.blocks = blocks,
                       .arena = memory.Arena(),
                       .kind = kind,
                       .at = one.at,
                       .images = stage.input.values.offset,
                       .out = stage.output.values.offset,
                       .heirs = heirs,
                       .out_gradient = stage.output.gradient.offset,
                       .gradient = stage.input.gradient.offset,
                       .windows = windows},
            kLanes, order);
  const LaneRun run{.block = cpu.Lane(1).data(), .rows = 2};
  Forward(stage, run);
  Backward(stage, run);
  for (std::size_t i = 0; i < stage.left.offset; ++i) {
    if (std::isnan(cpu.Lane(1)[i])) {
      ASSERT_TRUE(std::isnan(memory.Lane(1)[i])) << i;
    } else {
      ASSERT_EQ(memory.Lane(1)[i], cpu.Lane(1)[i]) << i;
    }
  }
}

TEST(GpuImageKernels, PoolingIsTheCpusBitForBitBothWays) {
  for (const ThreadOrder order : kOrders) {
    ExpectPooling(PoolKind::kMean, order, false);
    ExpectPooling(PoolKind::kMaximum, order, false);
    ExpectPooling(PoolKind::kMaximum, order, true);
  }
}

// A flow of 700 samples with two places each: three slices, of which the last is not whole.
struct NormCase {
  static constexpr std::size_t kSamples = 700;
  static constexpr std::size_t kUsed = 650;
  static constexpr std::size_t kWidth = 37;

  NormCase() {
    const auto place = [this](std::size_t rows) {
      const Tensor tensor{.offset = floats, .rows = rows, .cols = kWidth};
      floats += tensor.Floats();
      return tensor;
    };
    stage.activation = Activation::kRelu;
    stage.input = {.values = place(2 * kSamples), .gradient = place(2 * kSamples), .places = 2};
    stage.output = {.values = place(2 * kSamples), .gradient = place(2 * kSamples), .places = 2};
    for (ModelParameter* parameter : {&stage.scale, &stage.shift}) {
      parameter->value = place(1);
      parameter->gradient = place(1);
    }
    for (Tensor* tensor :
         {&stage.running_mean, &stage.running_variance, &stage.mean, &stage.inverse})
      *tensor = place(1);
    end = floats;
    parts = place(2 * BlocksFor(2 * kSamples, kTileSide)).offset;
  }

  BatchNormStage stage;
  std::size_t floats = 0;
  std::size_t end = 0;  // of what the CPU has too
  std::size_t parts = 0;
};

// As the product does that gives the rows (gpu_window_test): of each tile of rows that are used.
void TellMoments(const NormCase& one, const StepBoard& board, const LaneFloats& arena) {
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    const std::size_t used = board.Step(lane).rows * 2;
    for (std::size_t first = 0; first < used; first += kTileSide) {
      const std::size_t rows = std::min<std::size_t>(kTileSide, used - first);
      for (std::size_t col = 0; col < 48; ++col) {
        const auto at = [&](std::size_t row) {
          return *arena.At(lane, one.stage.input.values.offset + (first + row) * 48 + col);
        };
        float* to = arena.At(lane, one.parts + first / kTileSide * 96 + col);
        to[0] = to[48] = 0.0F;
        for (std::size_t row = 0; row < rows; ++row)
          to[0] += at(row) / static_cast<float>(rows);
        for (std::size_t row = 0; row < rows; ++row)
          to[48] += (at(row) - to[0]) * (at(row) - to[0]);
      }
    }
  }
}

void RunNorm(const NormCase& one, const StepBoard& board, LaneFloats arena, ThreadOrder order) {
  const BatchNormStage& stage = one.stage;
  const NormRows shape{.rows = 2 * NormCase::kSamples, .stride = 48, .places = 2};
  const std::uint32_t slices = ColumnSlices{shape.rows, shape.stride}.Blocks();
  const std::uint32_t fours = RowFours{shape.rows, shape.stride}.Blocks();
  const NormStatistics statistics{.running_mean = stage.running_mean.offset,
                                  .running_variance = stage.running_variance.offset,
                                  .mean = stage.mean.offset,
                                  .inverse = stage.inverse.offset};
  TellMoments(one, board, arena);
  RunOnHost(
      BatchStatisticsBody{.blocks = BlocksFor(NormCase::kWidth, BatchStatisticsBody::kBlockCols),
                          .board = board,
                          .arena = arena,
                          .shape = shape,
                          .width = NormCase::kWidth,
                          .moments = one.parts,
                          .to = statistics},
      kLanes, order);
  RunOnHost(BatchNormBody{.blocks = fours,
                          .arena = arena,
                          .shape = shape,
                          .activation = stage.activation,
                          .is_training = true,
                          .x = stage.input.values.offset,
                          .y = stage.output.values.offset,
                          .scale = stage.scale.value.offset,
                          .shift = stage.shift.value.offset,
                          .from = statistics},
            kLanes, order);
  const NormGradient norm{.activation = stage.activation,
                          .x = stage.input.values.offset,
                          .gradient = stage.output.gradient.offset,
                          .scale = stage.scale.value.offset,
                          .shift = stage.shift.value.offset,
                          .mean = stage.mean.offset,
                          .inverse = stage.inverse.offset};
  RunOnHost(BatchNormSumsBody{.blocks = slices,
                              .board = board,
                              .arena = arena,
                              .shape = shape,
                              .norm = norm,
                              .parts = one.parts},
            kLanes, order);
  SumSlicesBody sums{.blocks = 1,
                     .arena = arena,
                     .parts = one.parts,
                     .apart = 96,
                     .out = stage.shift.gradient.offset,
                     .slices = SlicesOf(shape.rows),
                     .stride = shape.stride};
  RunOnHost(sums, kLanes, order);
  sums.parts += shape.stride;
  sums.out = stage.scale.gradient.offset;
  RunOnHost(sums, kLanes, order);
  RunOnHost(BatchNormGradientBody{.blocks = fours,
                                  .board = board,
                                  .arena = arena,
                                  .shape = shape,
                                  .norm = norm,
                                  .out = stage.input.gradient.offset,
                                  .sums = stage.shift.gradient.offset,
                                  .products = stage.scale.gradient.offset},
            kLanes, order);
}

TEST(GpuImageKernels, BatchNormalisationIsTheCpusOverTheRowsThatAreUsed) {
  const NormCase one;
  Memory memory(one.floats);
  const std::vector<float> values = Normal(one.floats, 8);
  for (std::size_t i = 0; i < one.end; ++i)
    memory.Lane(1)[i] = i % 48 < NormCase::kWidth ? values[i] + 3.0F : 0.0F;
  for (std::size_t i = 2 * NormCase::kUsed * 48; i < 2 * NormCase::kSamples * 48; ++i)
    memory.Lane(1)[one.stage.output.gradient.offset + i] = 0.0F;  // of rows behind the batch
  Memory cpu = memory;
  Memory down = memory;
  Board board;
  board.steps[3].rows = NormCase::kUsed;
  RunNorm(one, board.View(), memory.Arena(), ThreadOrder::kUp);
  RunNorm(one, board.View(), down.Arena(), ThreadOrder::kDown);
  const LaneRun run{.block = cpu.Lane(1).data(), .rows = NormCase::kUsed};
  Forward(one.stage, run);
  Backward(one.stage, run);
  const std::size_t used = 2 * NormCase::kUsed * 48;
  for (std::size_t i = 0; i < one.end; ++i) {
    ASSERT_EQ(memory.Lane(1)[i], down.Lane(1)[i]) << i;
    const bool is_spare =
        i < one.stage.scale.value.offset && i % (2 * NormCase::kSamples * 48) >= used;
    const bool is_passed = i >= one.stage.output.gradient.offset &&  // which the CPU does in place
                           i < one.stage.scale.value.offset;
    if (is_spare || is_passed) continue;
    ASSERT_NEAR(memory.Lane(1)[i], cpu.Lane(1)[i], 2e-5 * (1.0 + std::fabs(cpu.Lane(1)[i]))) << i;
  }
  for (std::size_t i = used; i < 2 * NormCase::kSamples * 48; ++i)
    ASSERT_EQ(memory.Lane(1)[one.stage.input.gradient.offset + i], 0.0F) << i;
}

TEST(GpuImageKernels, ALaneWithoutRowsKeepsItsRunningStatistics) {
  const NormCase one;
  Memory memory(one.floats);
  std::ranges::copy(Normal(one.floats, 9), memory.Lane(0).begin());
  const std::size_t first = one.stage.running_mean.offset;
  const std::vector<float> before(memory.Lane(0).begin() + static_cast<std::ptrdiff_t>(first),
                                  memory.Lane(0).begin() + static_cast<std::ptrdiff_t>(first + 96));
  Board board;
  board.steps[3].rows = 1;
  RunNorm(one, board.View(), memory.Arena(), ThreadOrder::kUp);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(memory.Lane(0)[first + i], before[i]) << i;
  for (const float value : memory.Lane(0).subspan(0, one.end))
    ASSERT_TRUE(std::isfinite(value));
}

TEST(GpuImageKernels, ARectifiedSumHandsANanOn) {
  Memory memory(48);
  std::ranges::copy(Normal(48, 10), memory.Lane(1).begin());
  memory.Lane(1)[5] = std::nanf("");
  RunOnHost(JoinBody{.blocks = 1,
                     .arena = memory.Arena(),
                     .kind = JoinKind::kRectifiedSum,
                     .a = 0,
                     .b = 16,
                     .out = 32,
                     .numbers = 16},
            kLanes);
  for (std::size_t i = 0; i < 16; ++i) {
    const float sum = memory.Lane(1)[i] + memory.Lane(1)[16 + i];
    if (i == 5) {
      EXPECT_TRUE(std::isnan(memory.Lane(1)[32 + i]));
    } else {
      EXPECT_EQ(memory.Lane(1)[32 + i], sum < 0.0F ? 0.0F : sum);
    }
  }
}

TEST(GpuImageKernels, FoursOfRowsAreEachGoneThroughOnce) {
  for (const std::uint32_t stride : {4U, 16U, 48U, 1024U, 1040U, 2064U}) {
    constexpr std::uint32_t kRows = 37;
    const RowFours fours{kRows, stride};
    std::vector<int> times(std::size_t{kRows} * stride / kFour);
    for (std::uint32_t block = 0; block < fours.Blocks(); ++block) {
      for (std::uint32_t thread = 0; thread < RowFours::kThreads; ++thread) {
        const RowFours::Place place = fours.At({.block = block, .thread = thread});
        for (std::uint32_t row = place.first; row < place.end; row += place.step)
          ++times.at((std::size_t{row} * stride + place.col) / kFour);
      }
    }
    EXPECT_EQ(times, std::vector<int>(times.size(), 1)) << stride;
  }
}

}  // namespace gpu_image_kernels_test
}  // namespace ddl
