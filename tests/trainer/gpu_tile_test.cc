// SPDX-License-Identifier: Apache-2.0
// Products in tiles beside plain sums in double, and the layout of mma's fragments played by loops.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/bfloat16_bits.h"
#include "trainer/cuda/tile_body.h"
#include "trainer/optimizer.h"

namespace ddl {
namespace gpu_tile_test {

constexpr ThreadOrder kOrders[] = {ThreadOrder::kUp, ThreadOrder::kDown};

struct TileCase {
  std::uint32_t rows = 0;
  std::uint32_t cols = 0;
  std::uint32_t inner = 0;
  bool is_left_transposed = false;
  bool is_right_transposed = false;
};

// One tile and parts of others; a part of a slab; shapes below a tile.
constexpr TileCase kCases[] = {
    {.rows = 70, .cols = 37, .inner = 45},
    {.rows = 37, .cols = 130, .inner = 16, .is_left_transposed = true},
    {.rows = 64, .cols = 64, .inner = 33, .is_right_transposed = true},
    {.rows = 5, .cols = 3, .inner = 7, .is_left_transposed = true, .is_right_transposed = true},
};

double Rounded(ProductPrecision precision, float value) {
  if (precision == ProductPrecision::kTensorFloat32)
    return static_cast<double>(RoundedToTensorFloat(value));
  if (precision == ProductPrecision::kBfloat16)
    return static_cast<double>(
        __builtin_bit_cast(float, std::uint32_t{Bfloat16Bits(value)} << 16U));
  return static_cast<double>(value);
}

// A matrix of a lane, whose padding is not a number.
struct Matrix {
  std::size_t offset = 0;
  std::uint32_t lines = 0;
  std::uint32_t width = 0;
  bool is_bfloat16 = false;  // with room for floats

  [[nodiscard]] std::uint32_t Stride() const {
    return static_cast<std::uint32_t>(PaddedWidth(width));
  }
  [[nodiscard]] std::size_t Floats() const { return std::size_t{lines} * Stride(); }
  void Fill(Memory& memory, unsigned seed) const {
    const std::vector<float> values = Normal(std::size_t{lines} * width, seed);
    for (std::size_t i = 0; i < values.size(); ++i)
      Numbers().Put(memory.Arena(), 1, i / width * Stride() + i % width, values[i]);
  }
  [[nodiscard]] LaneNumbers Numbers() const { return {offset, is_bfloat16}; }
  [[nodiscard]] TileFactor Factor(bool is_transposed = false) const {
    return {.offset = offset,
            .stride = Stride(),
            .is_transposed = is_transposed,
            .is_bfloat16 = is_bfloat16};
  }
  [[nodiscard]] float At(Memory& memory, bool is_transposed, std::uint32_t row,
                         std::uint32_t col) const {
    const std::size_t at =
        is_transposed ? std::size_t{col} * Stride() + row : std::size_t{row} * Stride() + col;
    return Numbers().At(memory.Arena(), 1, at);
  }
};

// Which matrices are stored in bfloat16.
struct RoundedMatrices {
  bool left = false;
  bool right = false;
  bool out = false;
};

template <ProductPrecision kPrecision>
void ExpectProduct(const TileCase& at, ThreadOrder order, const RoundedMatrices& rounded = {}) {
  Matrix a{.lines = at.rows, .width = at.inner, .is_bfloat16 = rounded.left};
  if (at.is_left_transposed) std::swap(a.lines, a.width);
  Matrix b{.offset = a.Floats(), .lines = at.inner, .width = at.cols, .is_bfloat16 = rounded.right};
  if (at.is_right_transposed) std::swap(b.lines, b.width);
  const Matrix out{.offset = b.offset + b.Floats(),
                   .lines = at.rows,
                   .width = at.cols,
                   .is_bfloat16 = rounded.out};
  Memory memory(out.offset + out.Floats());
  std::ranges::fill(memory.Lane(1), std::bit_cast<float>(0xFFFFFFFFU));
  a.Fill(memory, 1);
  b.Fill(memory, 2);
  TileProduct product{.arena = memory.Arena(),
                      .rows = at.rows,
                      .cols = at.cols,
                      .inner = at.inner,
                      .a = a.Factor(at.is_left_transposed),
                      .b = b.Factor(at.is_right_transposed),
                      .out = out.Factor()};
  product.Spread();
  RunOnHost(TileBody<kPrecision>{product}, kLanes, order);
  for (std::uint32_t row = 0; row < at.rows; ++row) {
    for (std::uint32_t col = 0; col < out.Stride(); ++col) {
      const float found = out.At(memory, false, row, col);
      if (col >= at.cols) {
        ASSERT_TRUE(std::isnan(found)) << "written behind the result";
        continue;
      }
      double sum = 0.0;
      for (std::uint32_t i = 0; i < at.inner; ++i)
        sum += Rounded(kPrecision, a.At(memory, at.is_left_transposed, row, i)) *
               Rounded(kPrecision, b.At(memory, at.is_right_transposed, i, col));
      const double rounding = rounded.out ? std::abs(sum) / 256.0 : 0.0;
      ASSERT_NEAR(static_cast<double>(found), sum, 2e-5 + rounding) << row << " " << col;
    }
  }
}

TEST(GpuTile, IsTheProductOfItsFactorsAsTheyAreRounded) {
  for (const TileCase& at : kCases) {
    SCOPED_TRACE(std::to_string(at.rows) + " x " + std::to_string(at.inner));
    for (const ThreadOrder order : kOrders) {
      ExpectProduct<ProductPrecision::kFloat32>(at, order);
      ExpectProduct<ProductPrecision::kTensorFloat32>(at, order);
      ExpectProduct<ProductPrecision::kBfloat16>(at, order);
    }
  }
}

TEST(GpuTile, TakesAndLeavesRoundedNumbers) {
  for (const TileCase& at : kCases) {
    for (const RoundedMatrices& rounded :
         {RoundedMatrices{.left = true}, RoundedMatrices{.right = true},
          RoundedMatrices{.out = true},
          RoundedMatrices{.left = true, .right = true, .out = true}}) {
      for (const ThreadOrder order : kOrders)
        ExpectProduct<ProductPrecision::kBfloat16>(at, order, rounded);
    }
  }
}

TEST(GpuTile, SlicesOfTheInnerDimensionAddUpToTheWhole) {
  constexpr std::uint32_t kInner = 100;
  const Matrix a{.lines = kInner, .width = 40};
  const Matrix b{.offset = a.Floats(), .lines = kInner, .width = 20};
  const Matrix out{.offset = b.offset + b.Floats(), .lines = 40, .width = 20};
  Memory memory(out.offset + 4 * out.Floats());
  a.Fill(memory, 3);
  b.Fill(memory, 4);
  TileProduct product{.arena = memory.Arena(),
                      .rows = 40,
                      .cols = 20,
                      .inner = kInner,
                      .a = {.offset = a.offset, .stride = a.Stride(), .is_transposed = true},
                      .b = {.offset = b.offset, .stride = b.Stride()},
                      .out = {.offset = out.offset, .stride = out.Stride()},
                      .slices = {.count = 4, .inner = 32, .apart = out.Floats()}};
  product.Spread();
  ASSERT_EQ(product.blocks, 4U);
  RunOnHost(TileBody<ProductPrecision::kFloat32>{product}, kLanes);
  for (std::uint32_t slice = 0; slice < 4; ++slice) {
    const Matrix part{.offset = out.offset + slice * out.Floats(), .lines = 40, .width = 20};
    for (std::uint32_t row = 0; row < 40; ++row)
      for (std::uint32_t col = 0; col < 20; ++col) {
        double sum = 0.0;
        for (std::uint32_t i = slice * 32; i < std::min(kInner, slice * 32 + 32); ++i)
          sum += static_cast<double>(a.At(memory, true, row, i)) *
                 static_cast<double>(b.At(memory, false, i, col));
        ASSERT_NEAR(static_cast<double>(part.At(memory, false, row, col)), sum, 2e-5)
            << slice << " " << row << " " << col;
      }
  }
}

// Weights, moments and average of a lane that trains and of one that stands still.
void ExpectMoved(const OptimizerSettings& settings) {
  constexpr std::uint32_t kRows = 70;
  constexpr std::uint32_t kCols = 48;
  constexpr std::uint32_t kBatch = 33;
  constexpr std::size_t kFloats = std::size_t{kRows} * kCols;
  const Matrix input{.lines = kBatch, .width = 80};
  const Matrix slope{.offset = input.Floats(), .lines = kBatch, .width = kCols};
  const std::size_t gradient = slope.offset + slope.Floats();
  const auto tensor = [&](std::size_t index) { return gradient + index * kFloats; };
  Memory memory(tensor(5));
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    std::ranges::copy(Normal(memory.floats, 60 + lane), memory.Lane(lane).begin());
    for (float& moment : memory.Lane(lane).subspan(tensor(3), kFloats))
      moment = std::fabs(moment);
  }
  const int state = StateTensors(settings);
  const UpdatePart part{.value = tensor(1),
                        .gradient = gradient,
                        .first = state > 0 ? tensor(2) : kNoTensor,
                        .second = state > 1 ? tensor(3) : kNoTensor,
                        .average = tensor(4)};
  Board board;
  board.steps[3] = {.rows = kBatch, .average_rate = 0.25F};
  board.steps[3].rule = RuleAt(settings, settings.lr, 3);
  TileProduct product{.arena = memory.Arena(),
                      .board = board.View(),
                      .rows = kRows,
                      .cols = kCols,
                      .inner = kBatch,
                      .a = {.offset = 0, .stride = input.Stride(), .is_transposed = true},
                      .b = {.offset = slope.offset, .stride = slope.Stride()},
                      .out = {.offset = gradient, .stride = kCols}};
  product.Spread();
  Memory apart = memory;
  product.arena = apart.Arena();
  RunOnHost(TileBody<ProductPrecision::kFloat32>{product}, kLanes);
  std::vector<UpdatePart> parts;
  for (std::size_t start = 0; start < kFloats; start += kUpdateFloats) {
    UpdatePart piece = part;
    for (std::size_t* offset :
         {&piece.value, &piece.gradient, &piece.first, &piece.second, &piece.average})
      *offset += *offset == kNoTensor ? 0 : start;
    piece.floats =
        static_cast<std::uint32_t>(std::min<std::size_t>(kUpdateFloats, kFloats - start));
    parts.push_back(piece);
  }
  RunOnHost(UpdateBody{.blocks = static_cast<std::uint32_t>(parts.size()),
                       .board = board.View(),
                       .arena = apart.Arena(),
                       .parts = parts.data()},
            kLanes);
  const Memory before = memory;
  product.arena = memory.Arena();
  product.moved = part;
  RunOnHost(TileBody<ProductPrecision::kFloat32>{product}, kLanes, ThreadOrder::kDown);
  for (std::size_t i = 0; i < memory.floats; ++i) {
    if (i >= gradient && i < tensor(1)) continue;
    ASSERT_EQ(memory.Lane(1)[i], apart.Lane(1)[i]) << i;
  }
  for (std::size_t i = 0; i < memory.floats; ++i)
    ASSERT_EQ(memory.Lane(0)[i], before.lines[i / kFour].at[i % kFour])
        << "moved while still " << i;
  EXPECT_NE(memory.Lane(1)[tensor(1)], before.lines[(before.floats + tensor(1)) / kFour].at[0]);
}

TEST(GpuTile, MovesWeightsAsAnUpdateOfTheirGradientDoes) {
  ExpectMoved({.lr = 0.1, .weight_decay = 0.01});
  ExpectMoved({.lr = 0.1, .momentum = 0.9, .is_nesterov = true});
  ExpectMoved({.kind = OptimizerKind::kAdamW, .lr = 1e-2, .weight_decay = 0.1});
  ExpectMoved({.kind = OptimizerKind::kLion, .lr = 1e-2, .weight_decay = 0.1});
}

// Sixteen rows, eight columns and so many inner numbers of two slabs in shared memory, as a tensor
// core takes them: PTX ISA, "Matrix fragments for mma.m16n8k8".
struct Slabs {
  std::vector<float> left = std::vector<float>(16 * kTilePitch);
  std::vector<float> right = std::vector<float>(16 * kTilePitch);

  Slabs() {
    for (std::uint32_t k = 0; k < 16; ++k)
      for (std::uint32_t i = 0; i < 16; ++i) {
        left[k * kTilePitch + i] = static_cast<float>(k * 16 + i);
        right[k * kTilePitch + i] = static_cast<float>(k * 16 + i) + 0.5F;
      }
  }
  [[nodiscard]] float Left(std::uint32_t row, std::uint32_t k) const {
    return left[k * kTilePitch + row];
  }
  [[nodiscard]] float Right(std::uint32_t k, std::uint32_t col) const {
    return right[k * kTilePitch + col];
  }
};

TEST(GpuTile, FragmentsOfTensorFloatLieAsMmaWantsThem) {
  const Slabs slabs;
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const FragmentPlace place(lane);
    const std::uint32_t own = place.inner * kTilePitch + place.row;
    const LeftFragment a = LeftOfEight(slabs.left.data() + own);
    const RightFragment b = RightOfEight(slabs.right.data() + own);
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t row = lane / 4 + (i % 2 == 1 ? 8 : 0);
      const std::uint32_t k = lane % 4 + (i >= 2 ? 4 : 0);
      EXPECT_EQ(a.at[i], BitsOf(slabs.Left(row, k))) << lane << " " << i;
    }
    for (std::uint32_t i = 0; i < 2; ++i)
      EXPECT_EQ(b.at[i], BitsOf(slabs.Right(lane % 4 + 4 * i, lane / 4))) << lane << " " << i;
  }
}

// The same of "… m16n8k16", with words of two numbers that lie next to each other along the inner
// dimension: "ldmatrix" is played, as PTX describes it, on a slab that threads have put there.
template <std::uint32_t kSides>
struct RoundedNumbers {
  using Slab = RoundedSlab<kSides>;
  using Place = typename Slab::Place;

  bool is_along = false;
  std::vector<FourFloats> memory = std::vector<FourFloats>(Slab::kWords / 4);

  explicit RoundedNumbers(bool lies_along) : is_along(lies_along) {
    for (std::uint32_t thread = 0; thread < kTileThreads; ++thread) {
      const Place place(thread, is_along);
      FetchedEight fetched[Place::kFetches];
      for (std::uint32_t i = 0; i < Place::kFetches; ++i)
        for (std::uint32_t n = 0; n < 8; ++n) {
          const std::uint32_t side = place.side + (is_along ? i * Place::kSidesApart : n);
          const std::uint32_t k = place.inner + (is_along ? n : i);
          fetched[i].halves[n / 4].at[n % 4] = NumberOf(side, k);
        }
      Slab::Put(Slab::PlacesOf(thread, {}, is_along), is_along, false, fetched, First());
    }
  }
  // Another one everywhere, and as it is in bfloat16.
  [[nodiscard]] static float NumberOf(std::uint32_t side, std::uint32_t k) {
    return std::ldexp(1.0F + static_cast<float>(side) / 128.0F, static_cast<int>(k));
  }
  [[nodiscard]] float* First() { return memory.front().at; }
  // Word `matrix` of a lane's four.
  [[nodiscard]] std::uint32_t Loaded(std::uint32_t lane, std::uint32_t matrix,
                                     const WarpSides& warp, std::uint32_t step,
                                     std::uint32_t group) {
    const auto at = [&](std::uint32_t row, std::uint32_t col) -> std::uint32_t {
      const SlabPlaces places = Slab::PlacesOf(matrix * 8 + row, warp, is_along);
      const std::uint32_t eight =
          Slab::Near(places.read, is_along, step, group) + Slab::Further(is_along, step, group);
      return BitsOf(PlaceIn(First(), eight)[col / 2]) >> 16 * (col % 2) & 0xFFFFU;
    };
    const std::uint32_t row = lane / 4;
    const std::uint32_t col = lane % 4 * 2;
    return is_along ? at(row, col) | at(row, col + 1) << 16U
                    : at(col, row) | at(col + 1, row) << 16U;
  }
};

template <std::uint32_t kSides>
void ExpectFragments(bool is_along) {
  using Numbers = RoundedNumbers<kSides>;
  SCOPED_TRACE(std::to_string(kSides) + (is_along ? " along" : " across"));
  Numbers numbers(is_along);
  const auto pair_of = [](std::uint32_t side, std::uint32_t k) {
    return BitsOf(RoundedPair(Numbers::NumberOf(side, k), Numbers::NumberOf(side, k + 1)));
  };
  for (std::uint32_t place = 0; place < 32 * 4 * 4 * kSides / 32; ++place) {
    const std::uint32_t lane = place % 32;
    const std::uint32_t i = place / 32 % 4;
    const std::uint32_t step = place / 128 % 2;
    const std::uint32_t group = place / 256 % 2;
    const std::uint32_t first = place / 512 * 32;
    const std::uint32_t side = first + 16 * group + lane / 4;
    const std::uint32_t k = 16 * step + lane % 4 * 2;
    // a: rows go on in the second word, the inner dimension in the third.
    ASSERT_EQ(numbers.Loaded(lane, i, {first, true}, step, group),
              pair_of(side + i % 2 * 8, k + i / 2 * 8))
        << place;
    // Two b, one after the other: the inner dimension goes on in the second word of each.
    ASSERT_EQ(numbers.Loaded(lane, i, {first, false}, step, group),
              pair_of(side + i / 2 * 8, k + i % 2 * 8))
        << place;
    ASSERT_EQ(RoundedSlab<kSides>::At(numbers.First(), is_along, side, k),
              Numbers::NumberOf(side, k));
  }
}

TEST(GpuTile, FragmentsOfBfloatLieAsMmaWantsThem) {
  for (const bool is_along : {true, false}) {
    ExpectFragments<32>(is_along);
    ExpectFragments<64>(is_along);
  }
  ExpectFragments<128>(true);
}

// Eight threads write at once, and a matrix's eight rows are read at once, sixteen bytes each.
template <std::uint32_t kSides>
void ExpectDifferentBanks(bool is_along) {
  using Slab = RoundedSlab<kSides>;
  SCOPED_TRACE(std::to_string(kSides) + (is_along ? " along" : " across"));
  const auto expect_apart = [](const auto& byte_of) {
    std::uint32_t banks = 0;
    for (std::uint32_t i = 0; i < 8; ++i)
      banks |= 1U << (byte_of(i) / 16 % 8);
    EXPECT_EQ(banks, 0xFFU);
  };
  for (std::uint32_t thread = 0; thread < kTileThreads; thread += 8) {
    for (std::uint32_t fetch = 0; fetch < Slab::Place::kFetches; ++fetch) {
      expect_apart([&](std::uint32_t i) {
        return Slab::PutOf(Slab::PlacesOf(thread + i, {}, is_along).put, is_along, fetch);
      });
    }
  }
  for (std::uint32_t matrix = 0; matrix < 4 * 4 * 2 * kSides / 32; ++matrix) {
    expect_apart([&](std::uint32_t i) {
      const WarpSides warp{matrix / 32 * 32, matrix / 16 % 2 == 0};
      const SlabPlaces places = Slab::PlacesOf(matrix % 4 * 8 + i, warp, is_along);
      return Slab::Near(places.read, is_along, matrix / 4 % 2, matrix / 8 % 2);
    });
  }
}

TEST(GpuTile, EightsOfBfloatLieInDifferentBanks) {
  for (const bool is_along : {true, false}) {
    ExpectDifferentBanks<32>(is_along);
    ExpectDifferentBanks<64>(is_along);
  }
  ExpectDifferentBanks<128>(true);
}

TEST(GpuTile, TensorFloatRoundsToTheNearestAndTiesAway) {
  constexpr float kStep = 0x1p-10F;  // between neighbours from one on
  EXPECT_EQ(RoundedToTensorFloat(1.0F + 0.49F * kStep), 1.0F);
  EXPECT_EQ(RoundedToTensorFloat(1.0F + 0.5F * kStep), 1.0F + kStep);
  EXPECT_EQ(RoundedToTensorFloat(-1.0F - 0.5F * kStep), -1.0F - kStep);
  EXPECT_EQ(RoundedToTensorFloat(0.0F), 0.0F);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RoundedToTensorFloat(infinity), infinity);
  EXPECT_TRUE(std::isnan(RoundedToTensorFloat(__builtin_bit_cast(float, 0x7FFFFFFFU))));
}

}  // namespace gpu_tile_test
}  // namespace ddl
