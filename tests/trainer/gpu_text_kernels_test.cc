// SPDX-License-Identifier: Apache-2.0
// The bodies of attention and of embeddings by themselves: what they leave where they must not
// look, and what they are defined as.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/cuda/attention_bodies.h"
#include "trainer/cuda/text_bodies.h"
#include "trainer/cuda/tile_body.h"
#include "trainer/initial_weights.h"
#include "trainer/score_mask.h"

namespace ddl {
namespace gpu_text_kernels_test {

constexpr ThreadOrder kOrders[] = {ThreadOrder::kUp, ThreadOrder::kDown};
constexpr HeadPlaces kPlaces{.samples = 2, .heads = 2, .length = 69, .depth = 5, .square = 80};
constexpr std::uint32_t kStride = 16;

// Two matrices of heads, a result and the squares, which are NaN before anything is written.
struct HeadMemory : Memory {
  static constexpr std::size_t kMatrix = std::size_t{kPlaces.samples} * kPlaces.length * kStride;
  static constexpr std::size_t kSquares = std::size_t{4} * kPlaces.length * 80;

  HeadMemory() : Memory(3 * kMatrix + kSquares) {
    std::ranges::copy(Normal(2 * kMatrix, 3), Lane(1).begin());
    std::ranges::fill(Lane(1).subspan(3 * kMatrix), std::numeric_limits<float>::quiet_NaN());
  }
  [[nodiscard]] double At(const TileFactor& rows, std::uint32_t head, std::uint32_t row,
                          std::uint32_t d) {
    const std::size_t start = head / kPlaces.heads * rows.sample + head % kPlaces.heads * rows.head;
    return static_cast<double>(Lane(1)[rows.offset + start + std::size_t{row} * rows.stride + d]);
  }
  [[nodiscard]] double Square(std::uint32_t head, std::uint32_t row, std::uint32_t col) {
    return static_cast<double>(Lane(1)[squares + kPlaces.SquareRow(head, row) + col]);
  }

  static TileFactor HeadsAt(std::size_t offset) {
    return {.offset = offset,
            .stride = kStride,
            .sample = std::size_t{kPlaces.length} * kStride,
            .head = kPlaces.depth};
  }
  [[nodiscard]] TileFactor Squares(bool is_transposed) const {
    return {.offset = squares,
            .stride = kPlaces.square,
            .is_transposed = is_transposed,
            .sample = kPlaces.SquareRow(kPlaces.heads, 0),
            .head = kPlaces.SquareRow(1, 0)};
  }

  TileFactor a = HeadsAt(0);
  TileFactor b = HeadsAt(kMatrix);
  TileFactor out = HeadsAt(2 * kMatrix);
  std::size_t squares = 3 * kMatrix;
};

void Score(HeadMemory& memory, ThreadOrder order) {
  TileProduct product{.arena = memory.Arena(),
                      .rows = kPlaces.length,
                      .cols = kPlaces.length,
                      .inner = kPlaces.depth,
                      .members = kPlaces.Count(),
                      .heads = kPlaces.heads,
                      .a = memory.a,
                      .b = memory.b,
                      .out = memory.Squares(false),
                      .triangle = TileTriangle::kLowerResult};
  product.b.is_transposed = true;
  product.Spread();
  RunOnHost(TileBody<ProductPrecision::kFloat32>{product}, kLanes, order);
}

void Soften(HeadMemory& memory, ThreadOrder order) {
  RunOnHost(CausalSoftmaxBody{.blocks = BlocksFor(kPlaces.Count() * kPlaces.length,
                                                  RowThreads::kBlockRows),
                              .arena = memory.Arena(),
                              .places = kPlaces,
                              .scale = 0.5F,
                              .squares = memory.squares},
            kLanes, order);
}

template <class Function>  // function(head, row)
void ForEachRow(Function function) {
  for (std::uint32_t head = 0; head < kPlaces.Count(); ++head)
    for (std::uint32_t row = 0; row < kPlaces.length; ++row)
      function(head, row);
}

TEST(GpuTextKernels, ScoresUpToTheDiagonalAreProductsOfRows) {
  for (const ThreadOrder order : kOrders) {
    HeadMemory memory;
    Score(memory, order);
    ForEachRow([&](std::uint32_t head, std::uint32_t row) {
      for (std::uint32_t col = 0; col <= row; ++col) {
        double sum = 0.0;
        for (std::uint32_t d = 0; d < kPlaces.depth; ++d)
          sum += memory.At(memory.a, head, row, d) * memory.At(memory.b, head, col, d);
        ASSERT_NEAR(memory.Square(head, row, col), sum, 1e-5) << head << " " << row << " " << col;
      }
    });
  }
}

TEST(GpuTextKernels, ProbabilitiesAddUpToOneAndAreZeroBehindTheDiagonal) {
  for (const ThreadOrder order : kOrders) {
    HeadMemory memory;
    Score(memory, order);
    HeadMemory scores = memory;
    Soften(memory, order);
    ForEachRow([&](std::uint32_t head, std::uint32_t row) {
      double sum = 0.0;
      for (std::uint32_t col = 0; col <= row; ++col)
        sum += std::exp(0.5 * scores.Square(head, row, col));
      for (std::uint32_t col = 0; col < kPlaces.square; ++col) {
        const double expected =
            col <= row ? std::exp(0.5 * scores.Square(head, row, col)) / sum : 0.0;
        ASSERT_NEAR(memory.Square(head, row, col), expected, 1e-6) << row << " " << col;
      }
    });
  }
}

// Behind the diagonal the scratch has what an earlier step left there.
TEST(GpuTextKernels, GradientsOfScoresAreZeroBehindTheDiagonalWhateverStoodThere) {
  for (const ThreadOrder order : kOrders) {
    HeadMemory probabilities;
    Score(probabilities, order);
    Soften(probabilities, order);
    HeadMemory memory;
    Score(memory, order);  // stands for the gradients of the probabilities
    HeadMemory before = memory;
    Memory both(2 * HeadMemory::kSquares);
    std::ranges::copy(probabilities.Lane(1).subspan(memory.squares), both.Lane(1).begin());
    std::ranges::copy(memory.Lane(1).subspan(memory.squares),
                      both.Lane(1).subspan(HeadMemory::kSquares).begin());
    RunOnHost(CausalSoftmaxGradientBody{.blocks = BlocksFor(kPlaces.Count() * kPlaces.length,
                                                            RowThreads::kBlockRows),
                                        .arena = both.Arena(),
                                        .places = kPlaces,
                                        .scale = 0.5F,
                                        .probabilities = 0,
                                        .squares = HeadMemory::kSquares},
              kLanes, order);
    ForEachRow([&](std::uint32_t head, std::uint32_t row) {
      double along = 0.0;
      for (std::uint32_t col = 0; col <= row; ++col)
        along += probabilities.Square(head, row, col) * before.Square(head, row, col);
      for (std::uint32_t col = 0; col < kPlaces.square; ++col) {
        const double expected = col <= row ? 0.5 * probabilities.Square(head, row, col) *
                                                 (before.Square(head, row, col) - along)
                                           : 0.0;
        const std::size_t at = HeadMemory::kSquares + kPlaces.SquareRow(head, row) + col;
        ASSERT_NEAR(both.Lane(1)[at], expected, 1e-5) << row << " " << col;
      }
    });
  }
}

TEST(GpuTextKernels, MixesAreProductsWithASquareAndItsTranspose) {
  for (const ThreadOrder order : kOrders)
    for (const bool is_transposed : {false, true}) {
      HeadMemory memory;
      Score(memory, order);
      Soften(memory, order);
      TileProduct product{
          .arena = memory.Arena(),
          .rows = kPlaces.length,
          .cols = kPlaces.depth,
          .inner = kPlaces.length,
          .members = kPlaces.Count(),
          .heads = kPlaces.heads,
          .a = memory.Squares(is_transposed),
          .b = memory.a,
          .out = memory.out,
          .triangle = is_transposed ? TileTriangle::kUpperLeft : TileTriangle::kLowerLeft};
      product.Spread();
      RunOnHost(TileBody<ProductPrecision::kFloat32>{product}, kLanes, order);
      ForEachRow([&](std::uint32_t head, std::uint32_t row) {
        for (std::uint32_t d = 0; d < kPlaces.depth; ++d) {
          double sum = 0.0;
          for (std::uint32_t other = 0; other < kPlaces.length; ++other)
            sum +=
                memory.At(memory.a, head, other, d) *
                (is_transposed ? memory.Square(head, other, row) : memory.Square(head, row, other));
          ASSERT_NEAR(memory.At(memory.out, head, row, d), sum, 1e-5) << row << " " << d;
        }
      });
    }
}

// Behind the diagonal the squares are not even read: there they may hold anything.
TEST(GpuTextKernels, DropsWhatTheCpuDropsBitForBit) {
  for (const ThreadOrder order : kOrders) {
    HeadMemory memory;
    Score(memory, order);
    const HeadMemory before = memory;
    Board board;
    board.steps[2 + 1] = {
        .number = 7, .seed_low = 5, .seed_high = 1, .dropout = DropoutRuleOf(0.3)};
    DropSquaresBody body{.board = board.View(),
                         .arena = memory.Arena(),
                         .places = kPlaces,
                         .purpose = ScoreMaskPlace(0, 0, 4).purpose,
                         .from = memory.squares,
                         .to = memory.squares};
    body.blocks = BlocksFor(body.Drawers(), DropSquaresBody::kThreads);
    RunOnHost(body, kLanes, order);
    HeadMemory scores = before;
    for (std::uint32_t head = 0; head < kPlaces.Count(); ++head) {
      std::vector<float> mask(std::size_t{kPlaces.length} * kPlaces.square);
      DrawScoreMask(ScoreMaskPlace(5 + (std::uint64_t{1} << 32U), 7, 4), head, kPlaces.length,
                    kPlaces.square, 0.3, mask.data());
      for (std::uint32_t row = 0; row < kPlaces.length; ++row)
        for (std::uint32_t col = 0; col < kPlaces.square; ++col) {
          const float factor = mask[std::size_t{row} * kPlaces.square + col];
          const auto score = static_cast<float>(scores.Square(head, row, col));
          ASSERT_EQ(memory.Square(head, row, col),
                    col <= row ? static_cast<double>(score * factor) : 0.0)
              << row << " " << col;
        }
    }
  }
}

// Windows of five tokens: two of three rows are used.
TEST(GpuTextKernels, WindowsHaveTheTokenBehindEachAsItsLabel) {
  const std::vector<std::uint8_t> text{5, 1, 4, 2, 3, 9, 8, 7, 6};
  for (const ThreadOrder order : kOrders) {
    Memory memory(3 * 16);
    std::ranges::fill(memory.Lane(1), 7.0F);  // of an earlier batch
    Board board;
    board.order_rows = 3;
    board.order = std::vector<std::uint32_t>(2 * kLanes * 3);
    board.order[9] = 3;
    board.order[10] = 0;
    board.steps[3].rows = 2;
    std::vector<std::int32_t> labels(kLanes * 15, -1);
    RunOnHost(TokensBody{.blocks = 1,
                         .board = board.View(),
                         .arena = memory.Arena(),
                         .text = {.features = text.data(), .width = 1},
                         .rows = 3,
                         .stride = 16,
                         .length = 5,
                         .labels = labels.data(),
                         .label_rows = 15},
              kLanes, order);
    const std::vector<float> tokens{2, 3, 9, 8, 7, 5, 1, 4, 2, 3, 0, 0, 0, 0, 0};
    const std::vector<std::int32_t> next{3, 9, 8, 7, 6, 1, 4, 2, 3, 9, 0, 0, 0, 0, 0};
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(memory.Lane(1)[i / 5 * 16 + i % 5], tokens[i]) << i;
      EXPECT_EQ(labels[15 + i], next[i]) << i;
    }
  }
}

// A token that no window has gets a gradient of zero.
TEST(GpuTextKernels, TablesAddUpTheGradientsOfTheirTokens) {
  constexpr std::uint32_t kSamples = 7;
  constexpr std::uint32_t kLength = 6;
  constexpr std::uint32_t kWide = 48;
  constexpr std::size_t kVocabulary = 5;
  constexpr std::size_t kGradient = std::size_t{kSamples} * 16;
  constexpr std::size_t kTable = kGradient + std::size_t{kSamples} * kLength * kWide;
  constexpr std::size_t kPositions = kTable + kVocabulary * kWide;
  const TokenPlaces at{
      .tokens = 0, .samples = kSamples, .length = kLength, .token_stride = 16, .stride = kWide};
  for (const ThreadOrder order : kOrders) {
    Memory memory(kPositions + kLength * kWide);
    std::ranges::copy(Normal(memory.floats, 6), memory.Lane(1).begin());
    for (std::size_t i = 0; i < kGradient; ++i)
      memory.Lane(1)[i] = static_cast<float>(i * 7 % 4);  // never 4
    RunOnHost(TableGradientBody{.blocks = 2 * kVocabulary,
                                .arena = memory.Arena(),
                                .at = at,
                                .gradient = kGradient,
                                .out = kTable},
              kLanes, order);
    RunOnHost(
        PositionGradientBody{.blocks = BlocksFor(kLength * kWide, PositionGradientBody::kThreads),
                             .arena = memory.Arena(),
                             .at = at,
                             .gradient = kGradient,
                             .out = kPositions},
        kLanes, order);
    std::vector<double> table(kVocabulary * kWide);
    std::vector<double> positions(kLength * kWide);
    for (std::size_t row = 0; row < kSamples * kLength; ++row)
      for (std::size_t c = 0; c < kWide; ++c) {
        const auto gradient = static_cast<double>(memory.Lane(1)[kGradient + row * kWide + c]);
        const auto token =
            static_cast<std::size_t>(memory.Lane(1)[row / kLength * 16 + row % kLength]);
        table[token * kWide + c] += gradient;
        positions[row % kLength * kWide + c] += gradient;
      }
    for (std::size_t i = 0; i < table.size(); ++i)
      ASSERT_NEAR(memory.Lane(1)[kTable + i], table[i], 1e-5) << i;
    for (std::size_t i = 0; i < positions.size(); ++i)
      ASSERT_NEAR(memory.Lane(1)[kPositions + i], positions[i], 1e-5) << i;
  }
}

}  // namespace gpu_text_kernels_test
}  // namespace ddl
