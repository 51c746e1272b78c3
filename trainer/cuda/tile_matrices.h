// SPDX-License-Identifier: Apache-2.0
// The factors of a product in tiles that are stored as such: matrices, or their copies in bfloat16,
// of each member of a family of matrices.
#pragma once

#include "trainer/cuda/product.h"
#include "trainer/cuda/rounding_body.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

template <ProductPrecision kPrecision>
struct TileMatrices {
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
    const TileFactor& a = product.a;
    const std::size_t start = Start(product, a, tile);
    return IsLeftAlong(product) ? FourAt(product, tile, a, start, row, k, product.rows, tile.end)
                                : FourAt(product, tile, a, start, k, row, tile.end, product.rows);
  }
  [[nodiscard]] DDL_INLINE FourFloats Right(const TileProduct& product, const TilePlace& tile,
                                            std::uint32_t k, std::uint32_t col) const {
    const TileFactor& b = product.b;
    const std::size_t start = Start(product, b, tile);
    return IsRightAlong(product) ? FourAt(product, tile, b, start, col, k, product.cols, tile.end)
                                 : FourAt(product, tile, b, start, k, col, tile.end, product.cols);
  }

  // Where a row of the result begins, behind `out.offset`.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    return Start(product, product.out, tile) + std::size_t{row} * product.out.stride;
  }

 private:
  [[nodiscard]] DDL_INLINE static std::size_t Start(const TileProduct& product,
                                                    const TileFactor& factor,
                                                    const TilePlace& tile) {
    return tile.member / product.heads * factor.sample + tile.member % product.heads * factor.head;
  }

  // Of a stored matrix; zero outside its first `lines` lines of `width`.
  [[nodiscard]] DDL_INLINE static FourFloats FourAt(const TileProduct& product,
                                                    const TilePlace& tile, const TileFactor& factor,
                                                    std::size_t start, std::uint32_t line,
                                                    std::uint32_t first, std::uint32_t lines,
                                                    std::uint32_t width) {
    FourFloats four{};
    if (line >= lines || first >= width) return four;
    const std::size_t at = start + std::size_t{line} * factor.stride + first;
    if constexpr (kPrecision == ProductPrecision::kBfloat16) {
      const auto* halves =
          reinterpret_cast<const FourHalves*>(product.arena.At(tile.lane, factor.offset + at / 2));
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const std::uint32_t bits = std::uint32_t{halves->at[i].bits} << 16U;
        four.at[i] = first + i < width ? __builtin_bit_cast(float, bits) : 0.0F;
      }
    } else {
      const float* from = product.arena.At(tile.lane, factor.offset + at);
      if (first + kFour <= width && (factor.offset + at) % kFour == 0) {
        return *reinterpret_cast<const FourFloats*>(from);
      }
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        if (first + i < width) four.at[i] = from[i];
      }
    }
    return four;
  }
};

}  // namespace ddl
