// SPDX-License-Identifier: Apache-2.0
// Images, and the windows of a convolution in lines and columns over them: where they lie, and the
// numbers of a window as a product in tiles fetches them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/cuda/divisor.h"
#include "trainer/cuda/fetched_numbers.h"

namespace ddl {

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
  // Where fewer lie side by side than are fetched at once they are read one by one. Threads that
  // have a window's numbers side by side share them out then, so that all have some where they are
  // few: in the `place`-th place is this one, of so many threads.
  template <class Numbers>
  [[nodiscard]] DDL_INLINE bool AreShared() const {
    return whole < Numbers::kCount;
  }
  template <class Numbers>
  [[nodiscard]] DDL_INLINE static std::uint32_t SharedIn(std::uint32_t place,
                                                         std::uint32_t threads) {
    return place / Numbers::kCount + place % Numbers::kCount * threads;
  }
  // A thread's own of several windows, those that are wanted: `first`, first + threads, …, below
  // `end`.
  template <class Numbers, std::size_t kWindows>
  DDL_INLINE void FetchShare(const float* images, const Corner (&corners)[kWindows],
                             const bool (&are_wanted)[kWindows], std::uint32_t first,
                             std::uint32_t threads, std::uint32_t end, Numbers* fetched) const {
    constexpr bool kIsBfloat16 = Numbers::kMayBeBfloat16;
    DDL_UNROLL
    for (Numbers* own = fetched; own < fetched + kWindows; ++own) {
      *own = {};
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Numbers::kCount; ++i) {
      const std::uint32_t k = first + i * threads;
      if (k >= end) break;
      const Tap tap = TapOf(k);
      DDL_UNROLL
      for (std::size_t window = 0; window < kWindows; ++window) {
        const Pixel at = PixelOf(corners[window], tap);
        if (!are_wanted[window] || !IsInside(at)) continue;
        fetched[window].Take(i, NumberAt(images, IndexOf(corners[window], at, tap), kIsBfloat16),
                             kIsBfloat16);
      }
    }
  }
};

}  // namespace ddl
