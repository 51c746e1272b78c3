// SPDX-License-Identifier: Apache-2.0
// Attention without squares beside its definition in double, tile by tile, and the fragments of its
// products as mma wants them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/cuda/fused_attention_body.h"
#include "trainer/cuda/fused_gradient_bodies.h"
#include "trainer/initial_weights.h"
#include "trainer/score_mask.h"
#include "trainer/tensor.h"

namespace ddl {
namespace gpu_fused_attention_test {

struct HeadCase {
  std::uint32_t length = 1;
  std::uint32_t depth = 1;
  float deviation = 1.0F;  // of queries, keys and values
  double dropout = 0.0;
};

// Below a tile, whole tiles, parts of them; heads that do not begin at a multiple of four floats;
// probabilities close to one or zero, whose largest score comes early or late.
constexpr HeadCase kCases[] = {
    {.length = 1, .depth = 3},
    {.length = 13, .depth = 7},
    {.length = 64, .depth = 64},
    {.length = 70, .depth = 20},
    {.length = 130, .depth = 33},
    {.length = 66, .depth = 16, .deviation = 5.0F},
    {.length = 13, .depth = 7, .dropout = 0.5},
    {.length = 150, .depth = 20, .dropout = 0.3},
};

using Squares = std::vector<double>;

// Two samples of two heads: queries, keys and values side by side, outputs and gradients of the
// same shapes, floats or bfloat16. Whatever is to be written is NaN before.
class Heads {
 public:
  explicit Heads(const HeadCase& at, bool is_bfloat16 = false)
      : width_(2 * at.depth),
        memory_(6 * Rows(at) * Stride() + StatisticFloats(at)),
        at_(at),
        is_bfloat16_(is_bfloat16) {
    std::ranges::fill(memory_.Lane(1), std::bit_cast<float>(0xFFFFFFFFU));
    const std::vector<float> numbers = Normal(Rows(at) * 3 * width_, 3, at.deviation);
    const std::vector<float> slopes = Normal(Rows(at) * width_, 4);
    for (std::size_t row = 0; row < Rows(at); ++row) {
      for (std::uint32_t col = 0; col < 3 * width_; ++col)
        In(0).numbers.Put(memory_.Arena(), 1, row * Stride() + col,
                          numbers[row * 3 * width_ + col]);
      for (std::uint32_t col = 0; col < width_; ++col)
        Gradient().numbers.Put(memory_.Arena(), 1, row * Stride() + col,
                               slopes[row * width_ + col]);
    }
  }

  [[nodiscard]] HeadRows In(std::uint32_t which) const { return Matrix(0, which * width_); }
  [[nodiscard]] HeadRows Out() const { return Matrix(1, 0); }
  [[nodiscard]] HeadRows Gradient() const { return Matrix(2, 0); }
  [[nodiscard]] HeadRows To(std::uint32_t which) const { return Matrix(3 + which, 0); }
  [[nodiscard]] FusedAttention Common() {
    FusedAttention fused{.arena = memory_.Arena(),
                         .places = {.samples = kSamples,
                                    .heads = kHeads,
                                    .length = at_.length,
                                    .depth = at_.depth,
                                    .square = StatisticStride(at_)},
                         .scale = Scale(),
                         .queries = In(0),
                         .keys = In(1),
                         .values = In(2),
                         .out = Out(),
                         .statistics = 6 * Rows(at_) * Stride()};
    fused.blocks = fused.BlocksOf();
    if (at_.dropout == 0.0) return fused;
    board_.steps[2 + 1] = {
        .number = kStep, .seed_low = 5, .seed_high = 1, .dropout = DropoutRuleOf(at_.dropout)};
    fused.board = board_.View();
    fused.purpose = ScoreMaskPlace(0, 0, kLayer).purpose;
    return fused;
  }
  [[nodiscard]] float Scale() const { return 1.0F / std::sqrt(static_cast<float>(at_.depth)); }
  [[nodiscard]] double At(const HeadRows& rows, std::uint32_t head, std::uint32_t row,
                          std::uint32_t d) {
    const std::size_t place = std::size_t{head / kHeads} * at_.length + row;
    return NumberAt(rows, place, rows.first + head % kHeads * at_.depth + d);
  }
  [[nodiscard]] double Dot(const HeadRows& a, std::uint32_t row, const HeadRows& b,
                           std::uint32_t other, std::uint32_t head) {
    double sum = 0.0;
    for (std::uint32_t d = 0; d < at_.depth; ++d)
      sum += At(a, head, row, d) * At(b, head, other, d);
    return sum;
  }
  // [length, length] of a head, zero behind the diagonal.
  [[nodiscard]] Squares Probabilities(std::uint32_t head) {
    Squares p(std::size_t{at_.length} * at_.length);
    for (std::uint32_t row = 0; row < at_.length; ++row) {
      const auto of_row = std::span(p).subspan(std::size_t{row} * at_.length, row + 1);
      for (std::uint32_t col = 0; col <= row; ++col)
        of_row[col] = static_cast<double>(Scale()) * Dot(In(0), row, In(1), col, head);
      const double most = std::ranges::max(of_row);
      double sum = 0.0;
      for (double& score : of_row)
        sum += score = std::exp(score - most);
      for (double& score : of_row)
        score /= sum;
    }
    return p;
  }
  // Of a head, by which its probabilities are multiplied.
  [[nodiscard]] Squares Mask(std::uint32_t head) const {
    Squares mask(std::size_t{at_.length} * at_.length, 1.0);
    if (at_.dropout == 0.0) return mask;
    const std::size_t stride = PaddedWidth(at_.length);
    std::vector<float> drawn(at_.length * stride);
    DrawScoreMask(ScoreMaskPlace(5 + (std::uint64_t{1} << 32U), kStep, kLayer), head, at_.length,
                  stride, at_.dropout, drawn.data());
    for (std::size_t i = 0; i < mask.size(); ++i)
      mask[i] = static_cast<double>(drawn[i / at_.length * stride + i % at_.length]);
    return mask;
  }
  // Gradients of the products of queries and keys.
  [[nodiscard]] Squares Slopes(std::uint32_t head, const Squares& p, const Squares& mask) {
    Squares slopes(p.size());
    for (std::uint32_t row = 0; row < at_.length; ++row) {
      const std::size_t first = std::size_t{row} * at_.length;
      double along = 0.0;
      for (std::uint32_t col = 0; col <= row; ++col) {
        slopes[first + col] = mask[first + col] * Dot(Gradient(), row, In(2), col, head);
        along += p[first + col] * slopes[first + col];
      }
      for (std::uint32_t col = 0; col <= row; ++col)
        slopes[first + col] =
            static_cast<double>(Scale()) * p[first + col] * (slopes[first + col] - along);
    }
    return slopes;
  }
  // squares x, or squares' x, is what stands at `found`.
  void ExpectMixed(const Squares& squares, bool is_transposed, const HeadRows& x,
                   const HeadRows& found, std::uint32_t head, double bound) {
    for (std::uint32_t row = 0; row < at_.length; ++row)
      for (std::uint32_t d = 0; d < at_.depth; ++d) {
        double sum = 0.0;
        double size = 0.0;
        for (std::uint32_t other = 0; other < at_.length; ++other) {
          const double factor =
              is_transposed ? squares[other * at_.length + row] : squares[row * at_.length + other];
          sum += factor * At(x, head, other, d);
          size += std::abs(factor * At(x, head, other, d));
        }
        ASSERT_NEAR(At(found, head, row, d), sum, bound * (1.0 + size))
            << "head " << head << " row " << row << " column " << d;
      }
  }
  // Numbers between and behind the heads are whatever they were.
  void ExpectPaddingAlone() {
    for (const HeadRows& rows : {Out(), To(0), To(1), To(2)})
      for (std::size_t row = 0; row < Rows(at_); ++row)
        for (std::uint32_t col = width_; col < Stride(); ++col)
          ASSERT_TRUE(std::isnan(NumberAt(rows, row, col)));
  }

  static constexpr std::uint32_t kStep = 7;
  static constexpr std::size_t kLayer = 3;
  static constexpr std::uint32_t kSamples = 2;
  static constexpr std::uint32_t kHeads = 2;

 private:
  // The `number`-th matrix, which has room for floats.
  [[nodiscard]] HeadRows Matrix(std::uint32_t number, std::uint32_t first) const {
    return {{number * Rows(at_) * Stride(), is_bfloat16_}, first, Stride()};
  }
  [[nodiscard]] double NumberAt(const HeadRows& rows, std::size_t row, std::uint32_t col) {
    return static_cast<double>(rows.numbers.At(memory_.Arena(), 1, row * rows.stride + col));
  }
  [[nodiscard]] static std::size_t Rows(const HeadCase& at) {
    return std::size_t{kSamples} * at.length;
  }
  [[nodiscard]] static std::uint32_t StatisticStride(const HeadCase& at) {
    return static_cast<std::uint32_t>(PaddedWidth(at.length));
  }
  [[nodiscard]] static std::size_t StatisticFloats(const HeadCase& at) {
    return std::size_t{kSamples} * kHeads * 3 * StatisticStride(at);
  }
  [[nodiscard]] std::uint32_t Stride() const {
    return static_cast<std::uint32_t>(PaddedWidth(3 * width_));
  }

  std::uint32_t width_;
  Memory memory_;
  Board board_;
  HeadCase at_;
  bool is_bfloat16_;
};

// Forward and back.
template <ProductPrecision kPrecision>
void Attend(Heads& heads, ThreadOrder order) {
  const FusedAttention common = heads.Common();
  RunOnHost(FusedAttentionBody<kPrecision>{{common}}, kLanes, order);
  RunOnHost(FusedQueryGradientBody<kPrecision>{{common}, heads.Gradient(), heads.To(0)}, kLanes,
            order);
  RunOnHost(FusedKeyGradientBody<kPrecision>{{common}, heads.Gradient(), heads.To(1), heads.To(2)},
            kLanes, order);
}

template <ProductPrecision kPrecision>
void ExpectAttention(const HeadCase& at, double bound, bool is_bfloat16 = false) {
  SCOPED_TRACE(std::to_string(at.length) + " places, depth " + std::to_string(at.depth));
  Heads heads(at, is_bfloat16);
  Attend<kPrecision>(heads, ThreadOrder::kUp);
  for (std::uint32_t head = 0; head < Heads::kSamples * Heads::kHeads; ++head) {
    const Squares p = heads.Probabilities(head);
    const Squares mask = heads.Mask(head);
    const Squares slopes = heads.Slopes(head, p, mask);
    Squares shares(p.size());
    std::ranges::transform(p, mask, shares.begin(), std::multiplies<>());
    heads.ExpectMixed(shares, false, heads.In(2), heads.Out(), head, bound);
    heads.ExpectMixed(shares, true, heads.Gradient(), heads.To(2), head, bound);
    heads.ExpectMixed(slopes, false, heads.In(1), heads.To(0), head, bound);
    heads.ExpectMixed(slopes, true, heads.In(0), heads.To(1), head, bound);
  }
  heads.ExpectPaddingAlone();
}

TEST(GpuFusedAttention, IsTheSoftmaxOfScoresTimesValuesAndItsGradients) {
  for (const HeadCase& at : kCases)
    ExpectAttention<ProductPrecision::kFloat32>(at, 2e-5 * at.deviation);
}

TEST(GpuFusedAttention, OfTensorFloatIsCloseToIt) {
  for (const HeadCase& at : kCases)
    ExpectAttention<ProductPrecision::kTensorFloat32>(at, 3e-3 * at.deviation * at.deviation);
}

TEST(GpuFusedAttention, OfBfloat16TakesAndLeavesEitherNumbers) {
  for (const HeadCase& at : kCases) {
    const double bound = 1e-2 * at.deviation * at.deviation;
    ExpectAttention<ProductPrecision::kBfloat16>(at, bound, true);
    ExpectAttention<ProductPrecision::kBfloat16>(at, 2.0 * bound);  // rounded as they come
  }
}

template <ProductPrecision kPrecision>
void ExpectTheSameBits(bool is_bfloat16) {
  for (const HeadCase& at : kCases) {
    Heads up(at, is_bfloat16);
    Heads down(at, is_bfloat16);
    Attend<kPrecision>(up, ThreadOrder::kUp);
    Attend<kPrecision>(down, ThreadOrder::kDown);
    for (const HeadRows& rows : {up.Out(), up.To(0), up.To(1), up.To(2)})
      for (std::uint32_t head = 0; head < Heads::kSamples * Heads::kHeads; ++head)
        for (std::uint32_t row = 0; row < at.length; ++row)
          for (std::uint32_t d = 0; d < at.depth; ++d)
            ASSERT_EQ(up.At(rows, head, row, d), down.At(rows, head, row, d));
  }
}

TEST(GpuFusedAttention, LeavesTheSameBitsInEitherOrderOfThreads) {
  ExpectTheSameBits<ProductPrecision::kTensorFloat32>(false);
  ExpectTheSameBits<ProductPrecision::kBfloat16>(true);
}

// PTX ISA, "Matrix fragments for mma.m16n8k8": each number of a tile's product is the sum over what
// the threads have that the instruction multiplies for it.
TEST(GpuFusedAttention, FragmentsLieAsMmaWantsThem) {
  using Tile = FloatHeadTile<true>;
  std::vector<float> tile(Tile::kWords);
  for (std::uint32_t i = 0; i < tile.size(); ++i)
    tile[i] = static_cast<float>(i);
  const auto at = [&](std::uint32_t row, std::uint32_t col) {
    return BitsOf(tile[row * Tile::kPitch + col]);
  };
  for (std::uint32_t thread = 0; thread < kTileThreads; ++thread) {
    const StripPlace place(thread);
    const std::uint32_t lane = thread % 32;
    const std::uint32_t first = thread / 32 * 16;
    for (const std::uint32_t inner : {0U, 24U}) {
      const LeftFragment left = Tile::LeftOf(place, tile.data(), inner);
      for (std::uint32_t i = 0; i < 4; ++i)
        EXPECT_EQ(left.at[i], at(first + lane / 4 + i % 2 * 8, inner + lane % 4 + i / 2 * 4));
      for (const std::uint32_t eight : {0U, 5U}) {
        const RightFragment along = Tile::RightOf<false>(place, tile.data(), inner, eight);
        const RightFragment across = Tile::RightOf<true>(place, tile.data(), inner, eight);
        for (std::uint32_t i = 0; i < 2; ++i) {
          EXPECT_EQ(along.at[i], at(8 * eight + lane / 4, inner + lane % 4 + 4 * i));
          EXPECT_EQ(across.at[i], at(inner + lane % 4 + 4 * i, 8 * eight + lane / 4));
        }
      }
    }
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(place.Row(i), first + lane / 4 + i / 2 * 8);
      EXPECT_EQ(place.Col(3, i), 24 + lane % 4 * 2 + i % 2);
    }
  }
}

// PTX ISA, "ldmatrix" and "Matrix fragments for mma.m16n8k16": threads 8 m to 8 m + 7 name the rows
// of the m-th matrix, in this order.
TEST(GpuFusedAttention, EightsOfBfloat16LieAsLdmatrixWantsThem) {
  using Tile = RoundedHeadTile;
  for (std::uint32_t thread = 0; thread < kTileThreads; ++thread) {
    const StripPlace place(thread);
    const std::uint32_t row = thread % 8;
    const std::uint32_t second = thread / 8 % 2;
    const std::uint32_t third = thread / 16 % 2;
    for (const std::uint32_t inner : {0U, 16U, 48U}) {
      EXPECT_EQ(Tile::OfLeft(place, inner),
                Tile::EightAt(thread / 32 * 16 + second * 8 + row, inner / 8 + third));
      for (const std::uint32_t col : {0U, 16U, 32U}) {
        EXPECT_EQ(Tile::OfRight<false>(place, inner, col),
                  Tile::EightAt(col + third * 8 + row, inner / 8 + second));
        EXPECT_EQ(Tile::OfRight<true>(place, inner, col),
                  Tile::EightAt(inner + second * 8 + row, col / 8 + third));
      }
    }
  }
}

TEST(GpuFusedAttention, EightsOfBfloat16ThatAreReadAtOnceAreInDifferentBanks) {
  for (std::uint32_t first = 0; first < kTileSide; first += 8)
    for (std::uint32_t eight = 0; eight < kEightsOfTile; ++eight) {
      std::set<std::uint32_t> banks;
      for (std::uint32_t row = first; row < first + 8; ++row)
        banks.insert(RoundedHeadTile::EightAt(row, eight) % 128);
      EXPECT_EQ(banks.size(), 8U);
    }
}

template <class Tile>
void ExpectNumbersWhereTheyWerePut() {
  std::vector<FourFloats> room(Tile::kWords / kFour);
  float* tile = room.front().at;
  const auto number = [](std::uint32_t row, std::uint32_t col) {
    return static_cast<float>((row * 3 + col) % 256);  // exact in either form
  };
  for (std::uint32_t row = 0; row < kTileSide; ++row)
    for (std::uint32_t col = 0; col < kTileSide / 2; col += 2)
      Tile::PutTwo(number(row, col), number(row, col + 1), row, col, tile);
  for (std::uint32_t row = 0; row < kTileSide; ++row)
    for (std::uint32_t col = kTileSide / 2; col < kTileSide; col += Tile::Numbers::kCount) {
      std::vector<float> some;
      for (std::uint32_t i = 0; i < Tile::Numbers::kCount; ++i)
        some.push_back(number(row, col + i));
      const auto* from = reinterpret_cast<const std::byte*>(some.data());
      Tile::Take(FetchFirst<typename Tile::Numbers>(Tile::Numbers::kCount, from, false), false, row,
                 col, tile);
    }
  for (std::uint32_t row = 0; row < kTileSide; ++row)
    for (std::uint32_t col = 0; col < kTileSide; ++col)
      ASSERT_EQ(Tile::At(tile, row, col), number(row, col)) << row << " " << col;
}

TEST(GpuFusedAttention, TilesHaveTheirNumbersWhereTheyWerePut) {
  ExpectNumbersWhereTheyWerePut<FloatHeadTile<false>>();
  ExpectNumbersWhereTheyWerePut<FloatHeadTile<true>>();
  ExpectNumbersWhereTheyWerePut<RoundedHeadTile>();
}

}  // namespace gpu_fused_attention_test
}  // namespace ddl
