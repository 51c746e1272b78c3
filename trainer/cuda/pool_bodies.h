// SPDX-License-Identifier: Apache-2.0
// Pooling, both ways: trainer/pool.h for lanes. A thread has one channel of one window.
//
// Of a maximum the way back needs to know whose it was, its heir: a training pass keeps that place
// in a byte, row by row in the window, so that neither images nor maxima are read again.
#pragma once

#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/update_body.h"
#include "trainer/pool.h"

namespace ddl {

// trainer/pool.h's shapes in 32 bits.
struct PoolPlacesOfLane {
  std::uint32_t height = 0;  // of the image
  std::uint32_t width = 0;
  std::uint32_t pixel = 0;   // numbers from a pixel to the next
  std::uint32_t sample = 0;  // and from a sample
  std::uint32_t window_height = 0;
  std::uint32_t window_width = 0;
  std::uint32_t out_height = 0;
  std::uint32_t out_width = 0;
  std::uint32_t out_stride = 0;  // numbers from a window's result to the next
};

// A thread's window and channel.
struct WindowOfThread {
  bool is_used = false;
  std::uint32_t channel = 0;
  std::uint32_t y = 0;  // of the windows
  std::uint32_t x = 0;
  std::size_t image = 0;  // numbers to its sample's channel
  std::size_t out = 0;    // and to its result
};

[[nodiscard]] DDL_INLINE WindowOfThread WindowAt(const PoolPlacesOfLane& at, std::uint32_t windows,
                                                 std::uint32_t index) {
  const std::uint32_t window = index / at.out_stride;
  const std::uint32_t channel = index % at.out_stride;
  const std::uint32_t line = window / at.out_width;
  const std::uint32_t sample = line / at.out_height;
  return {.is_used = window < windows && channel < at.pixel,
          .channel = channel,
          .y = line % at.out_height,
          .x = window % at.out_width,
          .image = std::size_t{sample} * at.sample + channel,
          .out = std::size_t{window} * at.out_stride + channel};
}

[[nodiscard]] DDL_INLINE std::uint8_t* HeirsAt(const LaneFloats& arena, std::uint32_t lane,
                                               std::size_t offset) {
  return reinterpret_cast<std::uint8_t*>(arena.At(lane, offset));
}

// Windows of more pixels have no room in a byte: their heir is looked for on the way back.
inline constexpr std::uint32_t kMostKeptPixels = 255;
inline constexpr std::uint32_t kNoHeir = 255;  // the maximum is not a number

// The largest of a window's numbers, and whose it is: the first of equal ones.
struct WindowMaximum {
  float value = 0.0F;  // at first the first pixel's
  std::uint32_t heir = 0;

  DDL_INLINE void Take(float other, std::uint32_t place) {
    heir = other > value ? place : heir;
    value = other > value || other != other ? other : value;  // a NaN stays
  }
  [[nodiscard]] DDL_INLINE std::uint8_t Heir() const {
    return static_cast<std::uint8_t>(value != value ? kNoHeir : heir);
  }
};

struct PoolBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(windows * out_stride, kThreads)
  LaneFloats arena;
  PoolKind kind = PoolKind::kMaximum;
  PoolPlacesOfLane at;
  LaneNumbers images;
  LaneNumbers out;
  std::size_t heirs = kNoTensor;  // bytes, laid out as `out`; of a maximum
  std::uint32_t windows = 0;      // of all samples

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const WindowOfThread own = WindowAt(at, windows, place.block * kThreads + place.thread);
    if (!own.is_used) return;
    const std::uint32_t corner = own.y * at.window_height * at.width + own.x * at.window_width;
    const auto pixel_at = [&](std::uint32_t pixel) {
      return images.At(arena, place.lane, own.image + std::size_t{pixel} * at.pixel);
    };
    const bool is_maximum = kind == PoolKind::kMaximum;
    WindowMaximum maximum{.value = pixel_at(corner)};
    float sum = 0.0F;
    for (std::uint32_t down = 0; down < at.window_height; ++down) {
      for (std::uint32_t right = 0; right < at.window_width; ++right) {
        const float value = pixel_at(corner + down * at.width + right);
        if (is_maximum) {
          maximum.Take(value, down * at.window_width + right);
        } else {
          sum += value;
        }
      }
    }
    const float share = 1.0F / static_cast<float>(at.window_height * at.window_width);
    out.Put(arena, place.lane, own.out, is_maximum ? maximum.value : sum * share);
    if (heirs != kNoTensor) HeirsAt(arena, place.lane, heirs)[own.out] = maximum.Heir();
  }
};

// A maximum's gradient goes to the first pixel that has it; pixels that no window covers get zero,
// from the windows beside them.
struct UnpoolBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // as PoolBody
  LaneFloats arena;
  PoolKind kind = PoolKind::kMaximum;
  PoolPlacesOfLane at;
  LaneNumbers images;
  LaneNumbers out;
  std::size_t heirs = kNoTensor;  // as PoolBody's: images and maxima are not read
  LaneNumbers out_gradient;
  LaneNumbers gradient;  // laid out as the images
  std::uint32_t windows = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& place, void* /*shared*/) const {
    const WindowOfThread own = WindowAt(at, windows, place.block * kThreads + place.thread);
    if (!own.is_used) return;
    const std::uint32_t top = own.y * at.window_height;
    const std::uint32_t left = own.x * at.window_width;
    const std::uint32_t bottom = own.y + 1 == at.out_height ? at.height : top + at.window_height;
    const std::uint32_t end = own.x + 1 == at.out_width ? at.width : left + at.window_width;
    const bool is_maximum = kind == PoolKind::kMaximum;
    const bool is_kept = is_maximum && heirs != kNoTensor;
    const std::uint32_t heir = is_kept ? HeirsAt(arena, place.lane, heirs)[own.out] : 0U;
    const float maximum = is_maximum && !is_kept ? out.At(arena, place.lane, own.out) : 0.0F;
    const float share =
        is_maximum ? 1.0F : 1.0F / static_cast<float>(at.window_height * at.window_width);
    float rest = out_gradient.At(arena, place.lane, own.out) * share;
    for (std::uint32_t y = top; y < bottom; ++y) {
      for (std::uint32_t x = left; x < end; ++x) {
        const std::size_t pixel = own.image + std::size_t{y * at.width + x} * at.pixel;
        bool is_heir = y < top + at.window_height && x < left + at.window_width;
        if (is_heir && is_kept) {
          is_heir = (y - top) * at.window_width + x - left == heir;
        } else if (is_heir && is_maximum) {
          is_heir = images.At(arena, place.lane, pixel) == maximum;
        }
        gradient.Put(arena, place.lane, pixel, is_heir ? rest : 0.0F);
        if (is_maximum && is_heir) rest = 0.0F;
      }
    }
  }
};

}  // namespace ddl
