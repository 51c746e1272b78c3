// SPDX-License-Identifier: Apache-2.0
// The factors of a product in tiles that are stored as such: matrices, of each member of a family
// of matrices.
#pragma once

#include "trainer/cuda/fetched_four.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

struct TileMatrices {
  static constexpr bool kCanActivate = true;
  static constexpr bool kCanMove = true;
  static constexpr bool kCanAdd = false;
  static constexpr bool kCanPool = false;

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

  // Four numbers that lie side by side, from (row, k) or (k, col) on, as they are stored; zero
  // outside the matrix.
  template <bool kMayBeBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats Left(const TileProduct& product, const TilePlace& tile,
                                           std::uint32_t row, std::uint32_t k) const {
    const auto a = StoredAt<kMayBeBfloat16>(product, product.a, tile);
    return IsLeftAlong(product) ? a.FourAt(row, k, product.rows, tile.end)
                                : a.FourAt(k, row, tile.end, product.rows);
  }
  template <bool kMayBeBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats Right(const TileProduct& product, const TilePlace& tile,
                                            std::uint32_t k, std::uint32_t col) const {
    const auto b = StoredAt<kMayBeBfloat16>(product, product.b, tile);
    return IsRightAlong(product) ? b.FourAt(col, k, product.cols, tile.end)
                                 : b.FourAt(k, col, tile.end, product.cols);
  }

  // Where a row of the result begins, behind `out.offset`.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    return Start(product, product.out, tile) + std::size_t{row} * product.out.stride;
  }

 private:
  template <bool kMayBeBfloat16>
  struct Stored {
    const float* matrix;
    std::size_t first;  // number of the member's own
    std::uint32_t stride;
    bool is_aligned;    // where whole fours begin
    bool is_stored_so;  // in bfloat16

    // Zero outside the first `lines` lines of `width`.
    [[nodiscard]] DDL_INLINE FourFloats FourAt(std::uint32_t line, std::uint32_t col,
                                               std::uint32_t lines, std::uint32_t width) const {
      FourFloats four{};
      if (line >= lines || col >= width) return four;
      const bool is_bfloat16 = kMayBeBfloat16 && is_stored_so;
      const std::size_t from = first + std::size_t{line} * stride + col;
      if (col + kFour <= width && is_aligned) return FetchFour(matrix, from, is_bfloat16);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        if (col + i < width) FetchInto(four, i, matrix, from + i, is_bfloat16);
      }
      return four;
    }
  };

  [[nodiscard]] DDL_INLINE static std::size_t Start(const TileProduct& product,
                                                    const TileFactor& factor,
                                                    const TilePlace& tile) {
    return tile.member / product.heads * factor.sample + tile.member % product.heads * factor.head;
  }
  template <bool kMayBeBfloat16>
  [[nodiscard]] DDL_INLINE static Stored<kMayBeBfloat16> StoredAt(const TileProduct& product,
                                                                  const TileFactor& factor,
                                                                  const TilePlace& tile) {
    const std::size_t first = Start(product, factor, tile);
    const bool is_aligned =
        factor.offset % kFour == 0 && first % kFour == 0 && factor.stride % kFour == 0;
    return {product.arena.At(tile.lane, factor.offset), first, factor.stride, is_aligned,
            factor.is_bfloat16};
  }
};

}  // namespace ddl
