// SPDX-License-Identifier: Apache-2.0
// Convolutions as products: the windows of images spread out as rows of a matrix, and the way back.
// A row is a place of the output; columns are window row, window column, channel, as the rows of a
// convolution's weights are.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/rounding_body.h"

namespace ddl {

// Images and the places of a window that moves over them; trainer/image.h in 32 bits.
struct WindowPlaces {
  std::uint32_t height = 0;  // of the image
  std::uint32_t width = 0;
  std::uint32_t channels = 0;
  std::uint32_t pixel = 0;   // floats from a pixel to the next
  std::uint32_t sample = 0;  // floats from a sample to the next
  std::uint32_t size = 0;    // of the window
  std::uint32_t step = 0;
  std::uint32_t padding = 0;
  std::uint32_t out_height = 0;
  std::uint32_t out_width = 0;

  [[nodiscard]] DDL_INLINE std::uint32_t Columns() const { return size * size * channels; }
};

// unfolded[samples * places, stride] from images[samples]; zeros where a window reaches out, and in
// padding columns. Four columns a thread.
struct UnfoldBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * stride / 4, kThreads)
  LaneFloats arena;
  WindowPlaces at;
  std::size_t images = 0;
  std::size_t unfolded = 0;
  std::uint32_t rows = 0;    // of unfolded
  std::uint32_t stride = 0;  // of unfolded; a multiple of sixteen
  bool is_rounded = false;   // unfolded is of bfloat16

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const std::uint32_t index = place.block * kThreads + place.thread;
    const std::uint32_t fours = stride / kFour;
    const std::uint32_t row = index / fours;
    if (row >= rows) return;
    const std::uint32_t col = index % fours * kFour;
    const Corner corner = CornerOf(row);
    FourFloats four{};
    if (at.channels % kFour == 0) {
      const float* from = PixelOf(place.lane, corner, col);
      if (from != nullptr) {
        four = *reinterpret_cast<const FourFloats*>(from);
      }
    } else {
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const float* from = PixelOf(place.lane, corner, col + i);
        if (from != nullptr) four.at[i] = *from;
      }
    }
    const std::size_t to = std::size_t{row} * stride + col;
    if (is_rounded) return StoreRounded(arena, place.lane, unfolded, to, four);
    *reinterpret_cast<FourFloats*>(arena.At(place.lane, unfolded + to)) = four;
  }

 private:
  // Of a window: its sample, and its first pixel with padding counted.
  struct Corner {
    std::uint32_t sample = 0;
    std::uint32_t y = 0;
    std::uint32_t x = 0;
  };

  [[nodiscard]] DDL_INLINE Corner CornerOf(std::uint32_t row) const {
    const std::uint32_t line = row / at.out_width;
    return {line / at.out_height, line % at.out_height * at.step, row % at.out_width * at.step};
  }

  // What column `col` of a row is read from; null outside the image.
  [[nodiscard]] DDL_INLINE const float* PixelOf(std::uint32_t lane, const Corner& corner,
                                                std::uint32_t col) const {
    const std::uint32_t spot = col / at.channels;
    const std::uint32_t y = corner.y + spot / at.size - at.padding;  // wraps below zero
    const std::uint32_t x = corner.x + spot % at.size - at.padding;
    if (spot >= at.size * at.size || y >= at.height || x >= at.width) return nullptr;
    return arena.At(lane, images + std::size_t{corner.sample} * at.sample +
                              std::size_t{y * at.width + x} * at.pixel + col % at.channels);
  }
};

// The gradient of the images from that of their windows: each pixel adds up the windows that see
// it, window row by window row, so that the order is always the same. Four channels a thread;
// pixels are multiples of sixteen floats, and padding channels become zero.
struct FoldBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(pixels * pixel / 4, kThreads)
  LaneFloats arena;
  WindowPlaces at;
  std::size_t unfolded = 0;
  std::size_t images = 0;
  std::uint32_t pixels = 0;  // of all samples
  std::uint32_t stride = 0;  // of unfolded

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const std::uint32_t index = place.block * kThreads + place.thread;
    const std::uint32_t fours = at.pixel / kFour;
    const std::uint32_t pixel = index / fours;
    if (pixel >= pixels) return;
    const std::uint32_t channel = index % fours * kFour;
    const std::uint32_t line = pixel / at.width;
    const std::uint32_t sample = line / at.height;
    const std::uint32_t y = line % at.height + at.padding;
    const std::uint32_t x = pixel % at.width + at.padding;
    FourFloats sum{};
    for (std::uint32_t down = 0; down < at.size; ++down) {
      const std::uint32_t top = y - down;  // of the window; wraps below zero
      if (top % at.step != 0 || top / at.step >= at.out_height || down > y) continue;
      for (std::uint32_t right = 0; right < at.size; ++right) {
        const std::uint32_t left = x - right;
        if (left % at.step != 0 || left / at.step >= at.out_width || right > x) continue;
        const std::uint32_t row =
            (sample * at.out_height + top / at.step) * at.out_width + left / at.step;
        const std::uint32_t col = (down * at.size + right) * at.channels + channel;
        AddTo(sum, arena.At(place.lane, unfolded + std::size_t{row} * stride + col), channel);
      }
    }
    float* to = arena.At(
        place.lane, images + std::size_t{sample} * at.sample +
                        std::size_t{pixel - sample * at.height * at.width} * at.pixel + channel);
    *reinterpret_cast<FourFloats*>(to) = sum;
  }

 private:
  DDL_INLINE void AddTo(FourFloats& sum, const float* from, std::uint32_t channel) const {
    if (at.channels % kFour == 0) {
      if (channel >= at.channels) return;
      const FourFloats four = *reinterpret_cast<const FourFloats*>(from);
      for (std::uint32_t i = 0; i < kFour; ++i) {
        sum.at[i] += four.at[i];
      }
      return;
    }
    for (std::uint32_t i = 0; i < kFour && channel + i < at.channels; ++i) {
      sum.at[i] += from[i];
    }
  }
};

}  // namespace ddl
