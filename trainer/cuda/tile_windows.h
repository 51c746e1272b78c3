// SPDX-License-Identifier: Apache-2.0
// The three products of a convolution in tiles: windows of images are read where the images lie,
// and no matrix of windows is ever stored (S. Chetlur and others, "cuDNN: efficient primitives for
// deep learning", 2014).
#pragma once

#include "trainer/cuda/divisor.h"
#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_slab.h"

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
  std::uint32_t sample = 0;     // and from an image; all of them are fewer than 2^32
  Divisor numbers;              // of a pixel that are read
  Divisor taps;                 // pixels of a window's line
  Divisor across;               // windows of a line
  Divisor down;                 // and lines of an image
  std::uint32_t step = 1;       // pixels from a window to the next
  std::uint32_t direction = 1;  // from a pixel of a window to the next: 1, or back, 2^32 - 1
  std::uint32_t whole = 1;      // 4, 8: so many numbers side by side are of one pixel
  std::uint32_t square = 0;     // 1: windows go in squares of 2 x 2, of which across and down count

  // Of a window: where its image begins, and its first pixel; below zero it wraps.
  struct Corner {
    std::uint32_t image = 0;
    std::uint32_t y = 0;
    std::uint32_t x = 0;
  };
  [[nodiscard]] DDL_INLINE Corner CornerOf(std::uint32_t window, std::uint32_t y,
                                           std::uint32_t x) const {
    Corner corners[1];
    CornersOf(window, y, x, corners);
    return corners[0];
  }
  // Of windows one after the other, the first of them of an even number.
  template <std::size_t kCount>
  DDL_INLINE void CornersOf(std::uint32_t window, std::uint32_t y, std::uint32_t x,
                            Corner (&corners)[kCount]) const {
    static_assert(kCount <= 2);
    const std::uint32_t own = window >> 2 * square;
    const std::uint32_t line = across.Of(own);
    const std::uint32_t image = down.Of(line);
    const std::uint32_t top = ((line - image * down.Value()) << square) + (window >> 1U & square);
    const std::uint32_t left = ((own - line * across.Value()) << square) + (window & square);
    corners[0] = {image * sample, top * step + y, left * step + x};
    if constexpr (kCount == 2) {
      if (left + 1 < across.Value() << square) {
        corners[1] = {corners[0].image, corners[0].y, corners[0].x + step};
      } else {
        corners[1] = CornerOf(window + 1, y, x);
      }
    }
  }

  // A number of a window: its pixel, counted from the window's first one, and its place in that.
  struct Tap {
    std::uint32_t line = 0;
    std::uint32_t col = 0;
    std::uint32_t number = 0;
  };
  [[nodiscard]] DDL_INLINE Tap TapOf(std::uint32_t k) const {
    const std::uint32_t tap = numbers.Of(k);
    const std::uint32_t line = taps.Of(tap);
    return {line, tap - line * taps.Value(), k - tap * numbers.Value()};
  }
  // Of the number behind it.
  [[nodiscard]] DDL_INLINE Tap Next(Tap tap) const {
    const bool is_last = tap.number + 1 == numbers.Value();
    const bool ends_line = is_last && tap.col + 1 == taps.Value();
    tap.number = is_last ? 0 : tap.number + 1;
    tap.col = ends_line ? 0 : tap.col + (is_last ? 1 : 0);
    tap.line += ends_line ? 1 : 0;
    return tap;
  }

  // A pixel of an image, which may lie outside.
  struct Pixel {
    std::uint32_t y = 0;
    std::uint32_t x = 0;
  };
  [[nodiscard]] DDL_INLINE Pixel PixelOf(const Corner& corner, const Tap& tap) const {
    return {corner.y + direction * tap.line, corner.x + direction * tap.col};
  }
  [[nodiscard]] DDL_INLINE bool IsInside(const Pixel& at) const {
    return at.y < height && at.x < width;
  }
  // Of a pixel inside.
  [[nodiscard]] DDL_INLINE std::uint32_t IndexOf(const Corner& corner, const Pixel& at,
                                                 const Tap& tap) const {
    return corner.image + (at.y * width + at.x) * pixel + tap.number;
  }

  // Numbers of one pixel, as they are stored; zero outside the image.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE Numbers OfOnePixel(const float* images, const Corner& corner,
                                              const Tap& tap) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    const Pixel at = PixelOf(corner, tap);
    if (!IsInside(at)) return {};
    return Numbers::All(NumberAt(images, IndexOf(corner, at, tap), kIsBfloat16), kIsBfloat16);
  }
  // The numbers from a tap on of a window, of which the first `count` are wanted.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE Numbers NumbersOf(const float* images, const Corner& corner, Tap tap,
                                             std::uint32_t count) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    if (whole >= Numbers::kCount) return OfOnePixel<Numbers>(images, corner, tap);
    Numbers fetched{};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Numbers::kCount; ++i) {
      const Pixel at = PixelOf(corner, tap);
      if (i < count && IsInside(at)) {
        fetched.Take(i, NumberAt(images, IndexOf(corner, at, tap), kIsBfloat16), kIsBfloat16);
      }
      tap = Next(tap);
    }
    return fetched;
  }
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
  template <class Numbers>
  struct Walk {
    const float* images = nullptr;  // the left factor
    const float* others = nullptr;  // the right one
    const std::byte* heirs = nullptr;
    // Of a gradient of weights: the numbers of a window from `row` on, of which `tap` tells the
    // first, and the columns from `col` on; whether either is there.
    WindowReader::Tap tap;
    std::uint32_t row = 0;
    std::uint32_t col = 0;  // forward, too; of an input's gradient: its first channel
    bool is_there[kSlabFetches] = {};
    // Else the windows of two rows.
    WindowReader::Corner corners[kSlabFetches];
    WindowReader::Pixel first;  // of an input's gradient: the first tap that sees its pixels
  };

  template <class Numbers>
  DDL_INLINE void Start(const TileProduct& product, const TilePlace& tile, std::uint32_t thread,
                        Walk<Numbers>& walk) const {
    walk.images = FoundOnce(product.arena.At(tile.lane, product.a.offset));
    walk.others = FoundOnce(product.arena.At(tile.lane, product.b.offset));
    if (pooled.heirs != kNoTensor) {
      walk.heirs = FoundOnce(
          reinterpret_cast<const std::byte*>(HeirsAt(product.arena, tile.lane, pooled.heirs)));
    }
    if constexpr (kProduct == WindowProduct::kWeightGradient) {
      const SlabPlace<Numbers> place(thread, false);
      walk.row = tile.row + place.side;
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
      walk.col = tile.col + SlabPlace<Numbers>(thread, true).side;
    } else {
      line.place = column.place = 0 - padding;
      walk.col = tile.col + SlabPlace<Numbers>(thread, false).side;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      const std::uint32_t row =
          tile.row + SlabPlace<Numbers>(thread, true).side + i * SlabPlace<Numbers>::kSidesApart;
      walk.corners[i] = images.CornerOf(row, line.place, column.place);
      walk.is_there[i] = row < product.rows;
    }
  }

  // What a thread has of both factors, as it is stored, of the slab from `from` on; zero outside
  // the matrices, and from `end` on.
  template <class Numbers>
  DDL_INLINE void Fetch(const TileProduct& product, std::uint32_t thread, std::uint32_t from,
                        std::uint32_t end, Walk<Numbers>& walk, Numbers* left,
                        Numbers* right) const {
    if constexpr (kProduct == WindowProduct::kWeightGradient) {
      return FetchPlaces(product, thread, from, end, walk, left, right);
    }
    const std::uint32_t k = from + SlabPlace<Numbers>(thread, true).inner;
    const WindowReader::Tap tap = images.TapOf(k);
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      left[i] = {};
      if (!walk.is_there[i] || k >= end) continue;
      if (kProduct == WindowProduct::kForward) {
        left[i] = images.template NumbersOf<Numbers>(walk.images, walk.corners[i], tap, end - k);
      } else if (pooled.are_pooled) {
        left[i] = OfMaxima(walk, tap, walk.corners[i]);
      } else {
        left[i] = images.template OfOnePixel<Numbers>(walk.images, walk.corners[i], tap);
      }
    }
    if constexpr (kProduct == WindowProduct::kForward) {
      FetchLines(product, from + SlabPlace<Numbers>(thread, false).inner, end, walk, right);
    } else {
      FetchTap(product, k < end, tap, walk, right);
    }
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
  template <class Numbers>
  DDL_INLINE void FetchPlaces(const TileProduct& product, std::uint32_t thread, std::uint32_t from,
                              std::uint32_t end, const Walk<Numbers>& walk, Numbers* left,
                              Numbers* right) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    const std::uint32_t first = from + SlabPlace<Numbers>(thread, false).inner;
    WindowReader::Corner corners[kSlabFetches];
    images.CornersOf(first, 0 - padding, 0 - padding, corners);
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      left[i] = {};
      right[i] = {};
      const std::uint32_t k = first + i;
      if (k >= end) continue;
      if (walk.is_there[0]) {
        left[i] = images.template NumbersOf<Numbers>(walk.images, corners[i], walk.tap,
                                                     product.rows - walk.row);
      }
      if (!walk.is_there[1]) continue;
      if (pooled.are_pooled) {
        right[i] =
            OfHeirs<Numbers>(walk.others, walk.heirs, k / 4 * product.b.stride + walk.col, k % 4);
      } else {
        const std::uint32_t index = k * product.b.stride + walk.col;
        right[i] = Numbers::All(NumberAt(walk.others, index, kIsBfloat16), kIsBfloat16);
      }
    }
  }
  // Of weights, forward: what two numbers of a window, one after the other, have for several
  // outputs.
  template <class Numbers>
  DDL_INLINE static void FetchLines(const TileProduct& product, std::uint32_t first,
                                    std::uint32_t end, const Walk<Numbers>& walk, Numbers* right) {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      right[i] = {};
      const std::uint32_t k = first + i;
      if (k >= end || walk.col >= product.cols) continue;
      right[i] = Numbers::All(NumberAt(walk.others, k * product.b.stride + walk.col, kIsBfloat16),
                              kIsBfloat16);
    }
  }
  // Of an input's gradient: of two channels of the input, what a tap has for several outputs.
  template <class Numbers>
  DDL_INLINE void FetchTap(const TileProduct& product, bool is_wanted, const WindowReader::Tap& tap,
                           const Walk<Numbers>& walk, Numbers* right) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    const std::uint32_t y = walk.first.y + tap.line * step.Value();
    const std::uint32_t x = walk.first.x + tap.col * step.Value();
    const bool is_inside = is_wanted && y < size && x < size;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      right[i] = {};
      const std::uint32_t channel = walk.col + i * SlabPlace<Numbers>::kSidesApart;
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
  template <class Numbers>
  [[nodiscard]] DDL_INLINE Numbers OfMaxima(const Walk<Numbers>& walk, const WindowReader::Tap& tap,
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
