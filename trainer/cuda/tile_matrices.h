// SPDX-License-Identifier: Apache-2.0
// The factors of a product in tiles that are stored as such: matrices, of each member of a family
// of matrices.
#pragma once

#include "trainer/cuda/tile_product.h"

namespace ddl {

struct TileMatrices {
  static constexpr bool kCanActivate = true;
  static constexpr bool kCanMove = true;
  static constexpr bool kCanPool = false;

  DDL_INLINE void Limit(const TileProduct& /*product*/, TilePlace& /*tile*/) const {}

  // Of a factor, whether numbers of the inner dimension lie side by side.
  [[nodiscard]] DDL_INLINE static bool IsLeftAlong(const TileProduct& product) {
    return !product.a.is_transposed;
  }
  [[nodiscard]] DDL_INLINE static bool IsRightAlong(const TileProduct& product) {
    return product.b.is_transposed;
  }

  // Four numbers that lie side by side, from (row, k) or (k, col) on; zero outside the matrix.
  [[nodiscard]] DDL_INLINE FourFloats Left(const TileProduct& product, const TilePlace& tile,
                                           std::uint32_t row, std::uint32_t k) const {
    const Stored a = StoredAt(product, product.a, tile);
    return IsLeftAlong(product) ? a.FourAt(row, k, product.rows, tile.end)
                                : a.FourAt(k, row, tile.end, product.rows);
  }
  [[nodiscard]] DDL_INLINE FourFloats Right(const TileProduct& product, const TilePlace& tile,
                                            std::uint32_t k, std::uint32_t col) const {
    const Stored b = StoredAt(product, product.b, tile);
    return IsRightAlong(product) ? b.FourAt(col, k, product.cols, tile.end)
                                 : b.FourAt(k, col, tile.end, product.cols);
  }

  // Where a row of the result begins, behind `out.offset`.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    return Start(product, product.out, tile) + std::size_t{row} * product.out.stride;
  }

 private:
  struct Stored {
    const float* first;
    std::uint32_t stride;
    bool is_aligned;  // as four floats are, where whole fours begin

    // Zero outside the first `lines` lines of `width`.
    [[nodiscard]] DDL_INLINE FourFloats FourAt(std::uint32_t line, std::uint32_t col,
                                               std::uint32_t lines, std::uint32_t width) const {
      FourFloats four{};
      if (line >= lines || col >= width) return four;
      const float* from = first + std::size_t{line} * stride + col;
      if (col + kFour <= width && is_aligned) return *reinterpret_cast<const FourFloats*>(from);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        if (col + i < width) four.at[i] = from[i];
      }
      return four;
    }
  };

  [[nodiscard]] DDL_INLINE static std::size_t Start(const TileProduct& product,
                                                    const TileFactor& factor,
                                                    const TilePlace& tile) {
    return tile.member / product.heads * factor.sample + tile.member % product.heads * factor.head;
  }
  [[nodiscard]] DDL_INLINE static Stored StoredAt(const TileProduct& product,
                                                  const TileFactor& factor, const TilePlace& tile) {
    const std::size_t start = factor.offset + Start(product, factor, tile);
    return {product.arena.At(tile.lane, start), factor.stride,
            start % kFour == 0 && factor.stride % kFour == 0};
  }
};

}  // namespace ddl
