// SPDX-License-Identifier: Apache-2.0
// What a product in tiles multiplies and what becomes of its sums, and where in it a block works.
#pragma once

#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/divisor.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

inline constexpr std::uint32_t kTileThreads = 128;  // of a block

// A tile of the result: of each of a block's four warps 32 x 32 numbers. Sums lie in shared memory
// in rows of kPitch floats.
template <std::uint32_t kRowsOfTile, std::uint32_t kColsOfTile>
struct TileShape {
  static constexpr std::uint32_t kRows = kRowsOfTile;
  static constexpr std::uint32_t kCols = kColsOfTile;
  static constexpr std::uint32_t kPitch = kCols + 8;
  static_assert(kRows * kCols == kTileThreads * 32);
};
using SquareTile = TileShape<kTileSide, kTileSide>;
using TallTile = TileShape<128, 32>;  // of a result of no more columns

// A row-major matrix, of each member of a family of matrices: samples, and heads within them.
struct TileFactor {
  std::size_t offset = 0;  // in the lane, in floats
  std::uint32_t stride = 0;
  bool is_transposed = false;
  bool is_bfloat16 = false;  // its numbers are; of a product in bfloat16 alone
  std::size_t sample = 0;    // numbers from a sample's matrix to the next one's
  std::size_t head = 0;      // and from a head's
};

// Where the left factor of a product is zero, or the result of no use.
enum class TileTriangle : std::uint32_t {
  kNone,
  kLowerResult,  // columns behind a tile's last row are not wanted: whole tiles are left out
  kLowerLeft,    // left[r, i] = 0 for i > r
  kUpperLeft     // left[r, i] = 0 for i < r
};

// The inner dimension in equal parts of so many numbers each, a multiple of kSliceStep.
inline constexpr std::uint32_t kSliceStep = 32;  // whole slabs
struct TileSlices {
  std::uint32_t count = 1;
  std::uint32_t inner = 0;
  std::size_t apart = 0;  // floats from a slice's result to the next
};

// What becomes of the sums of a layer: pre = sums + bias, out = f(pre).
struct TileActivation {
  std::size_t bias = kNoTensor;  // none: sums are stored as they are
  std::size_t pre = 0;           // may be `out`, but for gelu; stored as that is
  Activation activation = Activation::kIdentity;
};

// result[rows, cols] = a[rows, inner] b[inner, cols] of every member, stored at `out` or, where
// `moved` is told, taken as the gradient of weights that the optimizer moves at once.
struct TileProduct {
  std::uint32_t blocks = 0;  // by Spread
  LaneFloats arena;
  StepBoard board;  // where weights are moved
  std::uint32_t rows = 0;
  std::uint32_t cols = 0;
  std::uint32_t inner = 0;
  std::uint32_t members = 1;
  std::uint32_t heads = 1;  // members of a sample
  TileFactor a;
  TileFactor b;
  TileFactor out;
  TileTriangle triangle = TileTriangle::kNone;
  TileSlices slices;
  TileActivation active;
  // Numbers that are stored and laid out as `out`: to be added to sums; and where these are not
  // above zero, the result is zero.
  std::size_t added = kNoTensor;
  std::size_t rectified = kNoTensor;  // only with `added`
  // Where the moments of sums go, of each tile of rows that count and each column: means, and sums
  // of squares about them, [tiles, 2, out.stride]. Not where sums are activated.
  std::size_t moments = kNoTensor;
  UpdatePart moved = {.value = kNoTensor};  // weights, of which `out` tells the stride: whole
                                            // strides of columns, of one member

  // By Spread: tiles side by side, and one below the other; slices; members of a sample.
  Divisor wide;
  Divisor high;
  Divisor deep;
  Divisor of_sample;

  // Over blocks, once all else is told.
  template <class Tile = SquareTile>
  void Spread() {
    wide = Divisor(BlocksFor(cols, Tile::kCols));
    high = Divisor(BlocksFor(rows, Tile::kRows));
    deep = Divisor(slices.count);
    of_sample = Divisor(heads);
    blocks = wide.Value() * high.Value() * slices.count * members;
  }
};

// What a block of a product works on.
struct TilePlace {
  template <class Tile>
  [[nodiscard]] DDL_INLINE static TilePlace Of(const TileProduct& product, const ThreadPlace& at) {
    return {product, at, Tile::kRows, Tile::kCols};
  }
  DDL_INLINE TilePlace(const TileProduct& product, const ThreadPlace& at, std::uint32_t rows,
                       std::uint32_t cols) {
    const std::uint32_t line = product.wide.Of(at.block);
    const std::uint32_t result = product.high.Of(line);
    col = (at.block - line * product.wide.Value()) * cols;
    row = (line - result * product.high.Value()) * rows;
    member = product.deep.Of(result);
    slice = result - member * product.deep.Value();
    lane = at.lane;
    is_left_out = product.triangle == TileTriangle::kLowerResult && col > row;
    end = product.inner;
    if (product.slices.count > 1) {
      begin = slice * product.slices.inner;
      end = Less(begin + product.slices.inner, end);
    }
    if (product.triangle == TileTriangle::kLowerLeft) end = Less(row + rows, end);
    if (product.triangle == TileTriangle::kUpperLeft) begin = row;
  }
  // Of so many numbers each.
  [[nodiscard]] DDL_INLINE std::uint32_t Slabs(std::uint32_t slab) const {
    return is_left_out ? 0 : (end - begin + slab - 1) / slab;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t Less(std::uint32_t one, std::uint32_t other) {
    return one < other ? one : other;
  }

  std::uint32_t lane = 0;
  std::uint32_t row = 0;
  std::uint32_t col = 0;
  std::uint32_t slice = 0;
  std::uint32_t member = 0;
  std::uint32_t begin = 0;  // of the inner dimension
  std::uint32_t end = 0;
  bool is_left_out = false;
};

}  // namespace ddl
