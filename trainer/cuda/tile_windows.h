// SPDX-License-Identifier: Apache-2.0
// The three products of a convolution in tiles: windows of images are read where the images lie,
// and no matrix of windows is ever stored (S. Chetlur and others, "cuDNN: efficient primitives for
// deep learning", 2014).
#pragma once

#include <type_traits>

#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_slab.h"
#include "trainer/cuda/window_reader.h"

namespace ddl {

// With p a place of the output of a sample, q a pixel of its input, t a pixel of the window, c a
// channel of the input and o one of the output, padding included, of w[(t, c), o]:
enum class WindowProduct : std::uint32_t {
  kForward,         // out[p, o] = images[p, (t, c)] w
  kWeightGradient,  // of w[(t, c), o] = images[p, (t, c)]^T gradient[p, o]
  kInputGradient    // of images[q, c] = gradient[q, (t, o)] w'[(t, o), c]: a window goes back from
                    // q over the places that saw it, of which t tells the pixel
};

// Maxima of 2 x 2 that follow a convolution, whose activation never falls.
struct PooledPlaces {
  bool are_pooled = false;
  std::size_t heirs = kNoTensor;  // bytes, laid out as the maxima; kNoTensor: not wanted
};

// `product` has the images (of kInputGradient the output's gradient) at `a`, the weights or the
// output's gradient at `b`, and whole strides of columns. Pooled, output and gradient are those of
// the maxima, and kForward has four rows for each of them. Where the product is of bfloat16, images
// and gradients are stored as such, and the weights that are read.
template <WindowProduct kProduct>
struct TileWindows {
  static constexpr bool kCanActivate = kProduct == WindowProduct::kForward;
  static constexpr bool kCanMove = false;
  static constexpr bool kCanAdd = kProduct == WindowProduct::kInputGradient;
  static constexpr bool kCanPool = kCanActivate;
  static constexpr bool kMayShareRows = kProduct == WindowProduct::kWeightGradient;

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
    return true;
  }

  // What a thread keeps from slab to slab.
  template <class Slabs>
  struct Walk {
    static constexpr std::uint32_t kRows = Slabs::Left::Place::kFetches;

    const float* images = nullptr;  // the left factor
    const float* others = nullptr;  // the right one
    const std::byte* heirs = nullptr;
    // Of a gradient of weights: the numbers of a window from `row` on (its own ones of them, where
    // they are shared), of which `tap` tells the first, and the columns from `col` on; whether
    // either is there.
    WindowReader::Tap tap;
    std::uint32_t row = 0;
    std::uint32_t col = 0;  // forward, too; of an input's gradient: its first channel
    bool is_there[kRows] = {};
    // Else the windows of a thread's rows.
    WindowReader::Corner corners[kRows];
    WindowReader::Pixel first;  // of an input's gradient: the first tap that sees its pixels
  };

  template <class Slabs>
  DDL_INLINE void Start(const TileProduct& product, const TilePlace& tile, std::uint32_t thread,
                        Walk<Slabs>& walk) const {
    using Left = typename Slabs::Left::Place;
    using Right = typename Slabs::Right::Place;
    walk.images = FoundOnce(product.arena.At(tile.lane, product.a.offset));
    walk.others = FoundOnce(product.arena.At(tile.lane, product.b.offset));
    if (pooled.heirs != kNoTensor) {
      walk.heirs = FoundOnce(
          reinterpret_cast<const std::byte*>(HeirsAt(product.arena, tile.lane, pooled.heirs)));
    }
    if constexpr (kProduct == WindowProduct::kWeightGradient) {
      const Left place(thread, false);
      walk.row = tile.row + RowOf<typename Slabs::Numbers>(place.side);
      walk.col = tile.col + place.side;
      walk.tap = images.TapOf(walk.row);
      walk.is_there[0] = walk.row < product.rows;
      walk.is_there[1] = walk.col < product.cols;
      return;
    }
    Phase line;
    Phase column;
    if constexpr (kProduct == WindowProduct::kInputGradient) {
      line = LinePhase(tile);
      column = ColumnPhase(tile);
      walk.first = {line.tap, column.tap};
      walk.col = tile.col + Right(thread, true).side;
    } else {
      line.place = column.place = 0 - padding;
      walk.col = tile.col + Right(thread, false).side;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Left::kFetches; ++i) {
      const std::uint32_t row = tile.row + Left(thread, true).side + i * Left::kSidesApart;
      walk.corners[i] = images.CornerOf(row, line.place, column.place);
      walk.is_there[i] = row < product.rows;
    }
  }

  // What a thread has of both factors, as it is stored, of the slab from `from` on; zero outside
  // the matrices, and from `end` on.
  template <class Slabs, class Numbers>
  DDL_INLINE void Fetch(const TileProduct& product, std::uint32_t thread, std::uint32_t from,
                        std::uint32_t end, Walk<Slabs>& walk, Numbers* left, Numbers* right) const {
    using Left = typename Slabs::Left::Place;
    using Right = typename Slabs::Right::Place;
    if constexpr (kProduct == WindowProduct::kWeightGradient) {
      return FetchPlaces(product, thread, from, end, walk, left, right);
    }
    if constexpr (kProduct == WindowProduct::kForward) {
      FetchLines(product, Right(thread, false).inner, from, end, walk, right);
      if (images.AreShared<Numbers>()) {
        return images.FetchShare(walk.images, walk.corners, walk.is_there,
                                 from + Left(thread, true).inner / Numbers::kCount,
                                 Left::kThreadsAlong, end, left);
      }
    }
    const std::uint32_t k = from + Left(thread, true).inner;
    const WindowReader::Tap tap = images.TapOf(k);
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Left::kFetches; ++i) {
      left[i] = {};
      if (!walk.is_there[i] || k >= end) continue;
      if (kProduct == WindowProduct::kInputGradient && pooled.are_pooled) {
        left[i] = OfMaxima<Numbers>(walk, tap, walk.corners[i]);
      } else {
        left[i] = images.template OfOnePixel<Numbers>(walk.images, walk.corners[i], tap);
      }
    }
    if constexpr (kProduct == WindowProduct::kInputGradient) {
      FetchTap(product, k < end, tap, walk, right);
    }
  }

  // Of the row in so manyth place of a tile.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE std::uint32_t RowOf(std::uint32_t place) const {
    if (!kMayShareRows || !images.AreShared<Numbers>()) return place;
    return (place & ~31U) + WindowReader::SharedIn<Numbers>(place % 32, 32 / Numbers::kCount);
  }

  // kNoTensor: a set of pixels has fewer lines or columns than another.
  [[nodiscard]] DDL_INLINE std::size_t ResultRow(const TileProduct& product, const TilePlace& tile,
                                                 std::uint32_t row) const {
    std::size_t pixel = row;
    if (kProduct == WindowProduct::kInputGradient && step.Value() > 1) {
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
  // Of a gradient of weights: two places of the output, one after the other.
  template <class Slabs, class Numbers>
  DDL_INLINE void FetchPlaces(const TileProduct& product, std::uint32_t thread, std::uint32_t from,
                              std::uint32_t end, const Walk<Slabs>& walk, Numbers* left,
                              Numbers* right) const {
    using Place = typename Slabs::Left::Place;
    static_assert(std::is_same_v<Place, typename Slabs::Right::Place>);
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    const std::uint32_t first = from + Place(thread, false).inner;
    WindowReader::Corner corners[Place::kFetches];
    images.CornersOf(first, 0 - padding, 0 - padding, corners);
    if (images.AreShared<Numbers>()) {
      const bool are_wanted[] = {first < end, first + 1 < end};
      images.FetchShare(walk.images, corners, are_wanted, walk.row, 32 / Numbers::kCount,
                        product.rows, left);
    } else {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < Place::kFetches; ++i) {
        left[i] = {};
        if (!walk.is_there[0] || first + i >= end) continue;
        left[i] = images.OfOnePixel<Numbers>(walk.images, corners[i], walk.tap);
      }
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Place::kFetches; ++i) {
      right[i] = {};
      const std::uint32_t k = first + i;
      if (!walk.is_there[1] || k >= end) continue;
      if (pooled.are_pooled) {
        right[i] =
            OfHeirs<Numbers>(walk.others, walk.heirs, k / 4 * product.b.stride + walk.col, k % 4);
      } else {
        const std::uint32_t index = k * product.b.stride + walk.col;
        right[i] = Numbers::All(NumberAt(walk.others, index, kIsBfloat16), kIsBfloat16);
      }
    }
  }
  // Of weights, forward: what the numbers of a window in the places from `place` on have for
  // several outputs.
  template <class Slabs, class Numbers>
  DDL_INLINE void FetchLines(const TileProduct& product, std::uint32_t place, std::uint32_t from,
                             std::uint32_t end, const Walk<Slabs>& walk, Numbers* right) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Slabs::Right::Place::kFetches; ++i) {
      right[i] = {};
      const std::uint32_t own =
          images.AreShared<Numbers>()
              ? WindowReader::SharedIn<Numbers>(place + i, Slabs::Left::Place::kThreadsAlong)
              : place + i;
      const std::uint32_t k = from + own;
      if (k >= end || walk.col >= product.cols) continue;
      right[i] = Numbers::All(NumberAt(walk.others, k * product.b.stride + walk.col, kIsBfloat16),
                              kIsBfloat16);
    }
  }
  // Of an input's gradient: of some channels of the input, what a tap has for several outputs.
  template <class Slabs, class Numbers>
  DDL_INLINE void FetchTap(const TileProduct& product, bool is_wanted, const WindowReader::Tap& tap,
                           const Walk<Slabs>& walk, Numbers* right) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    using Right = typename Slabs::Right::Place;
    const std::uint32_t y = walk.first.y + tap.line * step.Value();
    const std::uint32_t x = walk.first.x + tap.col * step.Value();
    const bool is_inside = is_wanted && y < size && x < size;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Right::kFetches; ++i) {
      right[i] = {};
      const std::uint32_t channel = walk.col + i * Right::kSidesApart;
      if (!is_inside || channel >= channels) continue;
      const std::uint32_t line = (y * size + x) * channels + channel;
      right[i] = Numbers::All(
          NumberAt(walk.others, line * product.b.stride + tap.number, kIsBfloat16), kIsBfloat16);
    }
  }

  // Of the gradient of maxima what pixel `place` of their square has.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE static Numbers OfHeirs(const float* gradient, const std::byte* heirs,
                                                  std::uint32_t index, std::uint32_t place) {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    Numbers fetched = Numbers::All(NumberAt(gradient, index, kIsBfloat16), kIsBfloat16);
    fetched.KeepWhere(*reinterpret_cast<const BytesOfNumbers<Numbers::kCount>*>(heirs + index),
                      place);
    return fetched;
  }
  template <class Numbers, class OwnWalk>
  [[nodiscard]] DDL_INLINE Numbers OfMaxima(const OwnWalk& walk, const WindowReader::Tap& tap,
                                            const WindowReader::Corner& corner) const {
    const WindowReader::Pixel at = images.PixelOf(corner, tap);
    if (!images.IsInside(at)) return {};
    const std::uint32_t square = at.y / 2 * (images.width / 2) + at.x / 2;
    return OfHeirs<Numbers>(walk.images, walk.heirs,
                            corner.image + square * images.pixel + tap.number,
                            at.y % 2 * 2 + at.x % 2);
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
