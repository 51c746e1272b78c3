// SPDX-License-Identifier: Apache-2.0
// The factors of a product in tiles that are stored as such: matrices, of each member of a family
// of matrices.
#pragma once

#include "trainer/cuda/slab_walk.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

struct TileMatrices {
  static constexpr bool kCanActivate = true;
  static constexpr bool kCanMove = true;
  static constexpr bool kCanAdd = false;
  static constexpr bool kCanPool = false;
  static constexpr bool kMayShareRows = false;

  DDL_INLINE void Limit(const TileProduct& /*product*/, TilePlace& /*tile*/) const {}

  // Of a factor, whether numbers of the inner dimension lie side by side.
  [[nodiscard]] DDL_INLINE static bool IsLeftAlong(const TileProduct& product) {
    return !product.a.is_transposed;
  }
  [[nodiscard]] DDL_INLINE static bool IsRightAlong(const TileProduct& product) {
    return product.b.is_transposed;
  }

  // Whether a factor is stored in bfloat16, where the product is of such numbers.
  [[nodiscard]] DDL_INLINE static bool IsLeftBfloat16(const TileProduct& product) {
    return product.a.is_bfloat16;
  }
  [[nodiscard]] DDL_INLINE static bool IsRightBfloat16(const TileProduct& product) {
    return product.b.is_bfloat16;
  }

  // Of a thread, from slab to slab.
  template <class Slabs>
  struct Walk {
    MatrixWalk<typename Slabs::Left> left;
    MatrixWalk<typename Slabs::Right> right;
  };
  template <class Slabs>
  DDL_INLINE void Start(const TileProduct& product, const TilePlace& tile, std::uint32_t thread,
                        Walk<Slabs>& walk) const {
    using Numbers = typename Slabs::Numbers;
    walk.left.Start(StoredAs<Numbers>(product, product.a, tile, product.rows, IsLeftAlong(product)),
                    tile.row, tile.begin, thread);
    walk.right.Start(
        StoredAs<Numbers>(product, product.b, tile, product.cols, IsRightAlong(product)), tile.col,
        tile.begin, thread);
  }
  // What a thread has of both factors, as it is stored, of the slab from `from` on; zero outside
  // the matrices, and from `end` on.
  template <class Slabs, class Numbers>
  DDL_INLINE void Fetch(const TileProduct& product, std::uint32_t thread, std::uint32_t from,
                        std::uint32_t end, Walk<Slabs>& walk, Numbers* left, Numbers* right) const {
    walk.left.Fetch(IsLeftAlong(product), Numbers::kMayBeBfloat16 && IsLeftBfloat16(product),
                    thread, from, end, left);
    walk.right.Fetch(IsRightAlong(product), Numbers::kMayBeBfloat16 && IsRightBfloat16(product),
                     thread, from, end, right);
  }

  // Of the row in so manyth place of a tile.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE static std::uint32_t RowOf(std::uint32_t place) {
    return place;
  }
  // Where a row of the result begins, behind `out.offset`.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    return FirstOf(product, product.out, tile) + std::size_t{row} * product.out.stride;
  }

 private:
  [[nodiscard]] DDL_INLINE static std::size_t FirstOf(const TileProduct& product,
                                                      const TileFactor& factor,
                                                      const TilePlace& tile) {
    const std::uint32_t sample = product.of_sample.Of(tile.member);
    const std::uint32_t head = tile.member - sample * product.of_sample.Value();
    return sample * factor.sample + head * factor.head;
  }
  template <class Numbers>
  [[nodiscard]] DDL_INLINE static StoredMatrix StoredAs(const TileProduct& product,
                                                        const TileFactor& factor,
                                                        const TilePlace& tile, std::uint32_t sides,
                                                        bool is_along) {
    const std::size_t first = FirstOf(product, factor, tile);
    const bool is_bfloat16 = Numbers::kMayBeBfloat16 && factor.is_bfloat16;
    return {.at = NumberAt(product.arena.At(tile.lane, factor.offset), first, is_bfloat16),
            .stride = factor.stride,
            .sides = sides,
            .is_along = is_along,
            .is_aligned = factor.offset % kFour == 0 && first % Numbers::kCount == 0 &&
                          factor.stride % Numbers::kCount == 0,
            .is_bfloat16 = is_bfloat16};
  }
};

}  // namespace ddl
