// SPDX-License-Identifier: Apache-2.0
// How a thread goes through a factor of a product in tiles: of each slab of the inner dimension it
// fetches two fours, which lie along that dimension, at two rows or columns of the result, or
// across it, at one of them and then of two numbers of the inner dimension, one after the other.
// What does not change from slab to slab is found once.
#pragma once

#include "trainer/cuda/fetched_four.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

inline constexpr std::uint32_t kSlabFetches = 2;  // fours of a thread, of each factor
static_assert(kSlabFetches * kTileThreads * kFour == kTileSide * kTileSlab);
static_assert(kTileSide == 64 && kTileThreads == 128 && kSlabFetches == 2);  // two warps by two

// Of a thread's first four in a slab; the second one is `kSidesApart` rows or columns further where
// fours lie along the inner dimension, or the next number of it. Where they lie across, a warp has
// 32 rows or columns, and nothing to do where a result has no more than the others' 32.
struct SlabQuad {
  static constexpr std::uint32_t kSidesApart = kTileThreads / (kTileSlab / kFour);

  DDL_INLINE SlabQuad(std::uint32_t thread, bool is_along)
      : inner(is_along ? thread % (kTileSlab / kFour) * kFour
                       : (thread >> 3U & 8U) | (thread >> 2U & 6U)),
        side(is_along ? thread / (kTileSlab / kFour) : thread % 8 * kFour | (thread & 32U)) {}

  std::uint32_t inner;
  std::uint32_t side;
};

// A factor as it is stored, from its first number on.
struct StoredMatrix {
  const std::byte* at = nullptr;
  std::uint32_t stride = 0;  // numbers from a line to the next
  std::uint32_t sides = 0;   // rows or columns of the result
  bool is_along = false;     // a line is a side; else it is a number of the inner dimension
  bool is_aligned = false;   // every fourth number is where four may be fetched
  bool is_bfloat16 = false;
};

// Along the lines of a matrix.
struct MatrixWalk {
  const std::byte* at = nullptr;  // of the first four of the next slab
  std::uint32_t apart = 0;        // bytes to the second
  std::uint32_t advance = 0;      // and from slab to slab
  std::uint32_t counts[2] =
      {};  // numbers that are there of each, where the inner dimension goes on
  bool is_aligned = false;

  // Of the rows or columns from `first_side` on; the first slab begins at `first`.
  DDL_INLINE void Start(const StoredMatrix& matrix, std::uint32_t first_side, std::uint32_t first,
                        std::uint32_t thread) {
    const SlabQuad quad(thread, matrix.is_along);
    const std::uint32_t shift = matrix.is_bfloat16 ? 1 : 2;
    const std::uint32_t side = first_side + quad.side;
    const std::uint32_t inner = first + quad.inner;
    const std::uint32_t line = matrix.is_along ? side : inner;
    const std::uint32_t col = matrix.is_along ? inner : side;
    at = matrix.at + ((std::size_t{line} * matrix.stride + col) << shift);
    apart = (matrix.is_along ? SlabQuad::kSidesApart : 1) * matrix.stride << shift;
    advance = (matrix.is_along ? kTileSlab : kTileSlab * matrix.stride) << shift;
    const std::uint32_t left = side < matrix.sides ? matrix.sides - side : 0;
    const std::uint32_t own =
        matrix.is_along ? (left > 0 ? kFour : 0) : TilePlace::Less(kFour, left);
    counts[0] = own;
    counts[1] = matrix.is_along && left <= SlabQuad::kSidesApart ? 0 : own;
    is_aligned = matrix.is_aligned;
  }

  // Of the slab that begins at `from`, both fours; zero from `end` on.
  DDL_INLINE void Fetch(bool is_along, bool is_bfloat16, std::uint32_t thread, std::uint32_t from,
                        std::uint32_t end, FourFloats* fours) {
    const std::uint32_t inner = from + SlabQuad(thread, is_along).inner;
    const std::uint32_t left = inner < end ? end - inner : 0;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      const std::uint32_t count =
          is_along ? TilePlace::Less(counts[i], left) : (i < left ? counts[i] : 0);
      const std::byte* own = at + i * apart;
      fours[i] = count == kFour && is_aligned ? FetchFour(own, is_bfloat16)
                                              : FetchFirst(count, own, is_bfloat16);
    }
    at += advance;
  }
};

}  // namespace ddl
