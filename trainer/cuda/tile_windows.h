// SPDX-License-Identifier: Apache-2.0
// The three products of a convolution in tiles: windows of images are read where the images lie,
// and no matrix of windows is ever stored (S. Chetlur and others, "cuDNN: efficient primitives for
// deep learning", 2014).
#pragma once

#include "trainer/cuda/divisor.h"
#include "trainer/cuda/fetched_four.h"
#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

// With p a place of the output of a sample, q a pixel of its input, t a pixel of the window, c a
// channel of the input and o one of the output, padding included, of w[(t, c), o]:
enum class WindowProduct : std::uint32_t {
  kForward,         // out[p, o] = images[p, (t, c)] w
  kWeightGradient,  // of w[(t, c), o] = images[p, (t, c)]^T gradient[p, o]
  kInputGradient    // of images[q, c] = gradient[q, (t, o)] w'[(t, o), c]: a window goes back from
                    // q over the places that saw it, of which t tells the pixel
};

// Images, and windows in lines and columns over them.
struct WindowReader {
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::uint32_t pixel = 0;      // numbers from a pixel to the next
  std::size_t sample = 0;       // and from an image
  Divisor numbers;              // of a pixel that are read
  Divisor taps;                 // pixels of a window's line
  Divisor across;               // windows of a line
  Divisor down;                 // and lines of an image
  std::uint32_t step = 1;       // pixels from a window to the next
  std::uint32_t direction = 1;  // from a pixel of a window to the next: 1, or back, 2^32 - 1
  std::uint32_t square = 0;     // 1: windows go in squares of 2 x 2, of which across and down count

  // Of a window: where its image begins, and its first pixel; below zero it wraps.
  struct Corner {
    std::size_t image = 0;
    std::uint32_t y = 0;
    std::uint32_t x = 0;
  };
  [[nodiscard]] DDL_INLINE Corner CornerOf(std::uint32_t window, std::uint32_t y,
                                           std::uint32_t x) const {
    const std::uint32_t own = window >> 2 * square;
    const std::uint32_t line = across.Of(own);
    const std::uint32_t image = down.Of(line);
    const std::uint32_t top = ((line - image * down.Value()) << square) + (window >> 1U & square);
    const std::uint32_t left = ((own - line * across.Value()) << square) + (window & square);
    return {image * sample, top * step + y, left * step + x};
  }

  // Numbers `k` to `k` + 3 of a window, as they are stored; zero outside the image. They are of one
  // pixel where pixels are read in whole fours.
  template <bool kIsBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats FourOf(const float* images, const Corner& corner,
                                             std::uint32_t k, std::uint32_t end) const {
    FourFloats four{};
    if (numbers.Value() % kFour == 0) {
      const std::size_t from = NumberOf(corner, k);
      if (k < end && from != kNoTensor) four = FetchFour(images, from, kIsBfloat16);
      return four;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const std::size_t from = NumberOf(corner, k + i);
      if (k + i < end && from != kNoTensor) FetchInto(four, i, images, from, kIsBfloat16);
    }
    return four;
  }

  // A number of a window: its pixel, which may lie outside, and its place in it.
  struct Spot {
    std::uint32_t y = 0;
    std::uint32_t x = 0;
    std::uint32_t number = 0;
  };
  [[nodiscard]] DDL_INLINE Spot SpotOf(const Corner& corner, std::uint32_t k) const {
    const std::uint32_t tap = numbers.Of(k);
    const std::uint32_t line = taps.Of(tap);
    return {corner.y + direction * line, corner.x + direction * (tap - line * taps.Value()),
            k - tap * numbers.Value()};
  }

 private:
  // kNoTensor: it lies outside.
  [[nodiscard]] DDL_INLINE std::size_t NumberOf(const Corner& corner, std::uint32_t k) const {
    const Spot spot = SpotOf(corner, k);
    if (spot.y >= height || spot.x >= width) return kNoTensor;
    return corner.image + std::size_t{spot.y * width + spot.x} * pixel + spot.number;
  }
};

// Maxima of 2 x 2 that follow a convolution.
struct PooledPlaces {
  bool are_pooled = false;
  std::size_t heirs = kNoTensor;  // bytes, laid out as the maxima; kNoTensor: not wanted
};

// `product` has the images (of kInputGradient the output's gradient) at `a`, the weights or the
// output's gradient at `b`, and whole strides of columns. Pooled, output and gradient are those of
// the maxima, and kForward has four rows for each of them. Where the product is of bfloat16, images
// and gradients are stored as such, and weights are floats.
template <WindowProduct kProduct>
struct TileWindows {
  static constexpr bool kCanActivate = kProduct == WindowProduct::kForward;
  static constexpr bool kCanMove = false;
  static constexpr bool kCanAdd = kProduct == WindowProduct::kInputGradient;
  static constexpr bool kCanPool = kCanActivate;

  WindowReader images;
  // Of the convolution. An input's gradient has a member for each of step * step sets of pixels: of
  // lines and columns of one remainder by `step` each, which the same taps see.
  std::uint32_t padding = 0;
  std::uint32_t size = 0;
  Divisor step;
  std::uint32_t height = 0;  // of its images
  std::uint32_t width = 0;
  std::uint32_t channels = 0;
  PooledPlaces pooled;

  // Of a member of an input's gradient, one dimension of two: its pixels, the first tap that sees
  // them, and the place where that one does, less their own.
  struct Phase {
    std::uint32_t remainder = 0;
    std::uint32_t tap = 0;
    std::uint32_t place = 0;
  };

  // Of a forward pass.
  [[nodiscard]] DDL_INLINE std::uint32_t PlacesOfSample() const {
    return images.across.Value() * images.down.Value();
  }

  // Lines of taps that no pixel of a member meets are left out; columns are zeros.
  DDL_INLINE void Limit(const TileProduct& /*product*/, TilePlace& tile) const {
    if constexpr (kProduct == WindowProduct::kInputGradient) {
      const std::uint32_t first = LinePhase(tile).tap;
      const std::uint32_t lines = first < size ? step.Of(size - first + step.Value() - 1) : 0;
      tile.end = lines * images.taps.Value() * images.numbers.Value();
    }
  }

  [[nodiscard]] DDL_INLINE static constexpr bool IsLeftAlong(const TileProduct& /*product*/) {
    return kProduct != WindowProduct::kWeightGradient;
  }
  [[nodiscard]] DDL_INLINE static constexpr bool IsRightAlong(const TileProduct& /*product*/) {
    return kProduct == WindowProduct::kInputGradient;
  }

  [[nodiscard]] DDL_INLINE static constexpr bool IsLeftBfloat16(const TileProduct& /*product*/) {
    return true;
  }
  [[nodiscard]] DDL_INLINE static constexpr bool IsRightBfloat16(const TileProduct& /*product*/) {
    return kProduct == WindowProduct::kWeightGradient;
  }

  template <bool kMayBeBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats Left(const TileProduct& product, const TilePlace& tile,
                                           std::uint32_t row, std::uint32_t k) const {
    const float* from = product.arena.At(tile.lane, product.a.offset);
    if constexpr (kProduct == WindowProduct::kWeightGradient) {
      if (k >= tile.end) return {};
      return images.template FourOf<kMayBeBfloat16>(
          from, images.CornerOf(k, 0 - padding, 0 - padding), row, product.rows);
    } else {
      if (row >= product.rows) return {};
      WindowReader::Corner corner;
      if constexpr (kProduct == WindowProduct::kForward) {
        corner = images.CornerOf(row, 0 - padding, 0 - padding);
      } else {
        corner = images.CornerOf(row, LinePhase(tile).place, ColumnPhase(tile).place);
        if (pooled.are_pooled && k < tile.end) {
          return FourOfMaxima<kMayBeBfloat16>(product, tile, images.SpotOf(corner, k), corner);
        }
      }
      return images.template FourOf<kMayBeBfloat16>(from, corner, k, tile.end);
    }
  }

  template <bool kMayBeBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats Right(const TileProduct& product, const TilePlace& tile,
                                            std::uint32_t k, std::uint32_t col) const {
    constexpr bool kIsBfloat16 = kMayBeBfloat16 && kProduct == WindowProduct::kWeightGradient;
    std::size_t from = 0;
    if constexpr (kProduct == WindowProduct::kInputGradient) {
      if (k >= tile.end || col >= channels) return {};
      const std::uint32_t tap = images.numbers.Of(k);
      const std::uint32_t line = images.taps.Of(tap);
      const std::uint32_t y = LinePhase(tile).tap + line * step.Value();
      const std::uint32_t x =
          ColumnPhase(tile).tap + (tap - line * images.taps.Value()) * step.Value();
      if (y >= size || x >= size) return {};
      from = std::size_t{(y * size + x) * channels + col} * product.b.stride +
             (k - tap * images.numbers.Value());
    } else {
      if (k >= tile.end || col >= product.cols) return {};
      if (kProduct == WindowProduct::kWeightGradient && pooled.are_pooled) {
        return FourOfHeirs<kIsBfloat16>(product, tile, product.b.offset,
                                        std::size_t{k / 4} * product.b.stride + col, k % 4);
      }
      from = std::size_t{k} * product.b.stride + col;
    }
    return FetchFour(product.arena.At(tile.lane, product.b.offset), from, kIsBfloat16);
  }

  // kNoTensor: a set of pixels has fewer lines or columns than another.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    std::size_t pixel = row;
    if constexpr (kProduct == WindowProduct::kInputGradient) {
      const std::uint32_t line = images.across.Of(row);
      const std::uint32_t image = images.down.Of(line);
      const std::uint32_t y =
          (line - image * images.down.Value()) * step.Value() + LinePhase(tile).remainder;
      const std::uint32_t x =
          (row - line * images.across.Value()) * step.Value() + ColumnPhase(tile).remainder;
      if (y >= height || x >= width) return kNoTensor;
      pixel = (std::size_t{image} * height + y) * width + x;
    }
    return pixel * product.out.stride;
  }

 private:
  // Of the gradient of four maxima what pixel `place` of their square has.
  template <bool kIsBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats FourOfHeirs(const TileProduct& product, const TilePlace& tile,
                                                  std::size_t gradient, std::size_t index,
                                                  std::uint32_t place) const {
    FourFloats four = FetchFour(product.arena.At(tile.lane, gradient), index, kIsBfloat16);
    const auto of_four = *reinterpret_cast<const std::uint32_t*>(
        HeirsAt(product.arena, tile.lane, pooled.heirs) + index);
    std::uint32_t kept = 0;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      kept |= ((of_four >> 8 * i & 0xFFU) == place ? 1U : 0U) << i;
    }
    KeepOnly(four, kept, kIsBfloat16);
    return four;
  }
  template <bool kIsBfloat16>
  [[nodiscard]] DDL_INLINE FourFloats FourOfMaxima(const TileProduct& product,
                                                   const TilePlace& tile,
                                                   const WindowReader::Spot& spot,
                                                   const WindowReader::Corner& corner) const {
    if (spot.y >= images.height || spot.x >= images.width) return {};
    const std::size_t square = spot.y / 2 * (images.width / 2) + spot.x / 2;
    return FourOfHeirs<kIsBfloat16>(product, tile, product.a.offset,
                                    corner.image + square * images.pixel + spot.number,
                                    spot.y % 2 * 2 + spot.x % 2);
  }

  [[nodiscard]] DDL_INLINE Phase PhaseOf(std::uint32_t remainder) const {
    const std::uint32_t place = step.Of(remainder + padding);
    return {remainder, remainder + padding - place * step.Value(), place};
  }
  [[nodiscard]] DDL_INLINE Phase LinePhase(const TilePlace& tile) const {
    return PhaseOf(step.Of(tile.member));
  }
  [[nodiscard]] DDL_INLINE Phase ColumnPhase(const TilePlace& tile) const {
    return PhaseOf(tile.member - step.Of(tile.member) * step.Value());
  }
};

}  // namespace ddl
