// SPDX-License-Identifier: Apache-2.0
// What happens to a training image, drawn where it is gathered: trainer/augment.h on a device, word
// for word, so that both change an image alike.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/philox.h"
#include "trainer/random.h"

namespace ddl {

// trainer/augment.h's settings and shape in 32 bits, the same for all lanes.
struct ImageChanges {
  bool is_on = false;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::uint32_t channels = 0;
  std::uint32_t crop = 0;
  std::uint32_t has_flips = 0;
  std::uint32_t cutout = 0;
};

// Of one image; as ImageChange there.
struct DrawnChange {
  std::uint32_t down = 0;  // wraps below zero, as right does
  std::uint32_t right = 0;
  bool is_mirrored = false;
  std::uint32_t top = 0;
  std::uint32_t bottom = 0;
  std::uint32_t left = 0;
  std::uint32_t end = 0;
};

// A part of `length` around `centre`, cut to [0, size).
DDL_INLINE void CutAround(std::uint32_t centre, std::uint32_t length, std::uint32_t size,
                          std::uint32_t& begin, std::uint32_t& end) {
  const std::uint32_t before = length / 2;
  begin = centre < before ? 0 : centre - before;
  end = centre + length - before;
  end = end < size ? end : size;
}

DDL_INLINE DrawnChange DrawImageChange(const ImageChanges& changes, const LaneStep& step,
                                       std::uint32_t row) {
  constexpr unsigned kPurposeShift = 24;
  const auto pick = [](std::uint32_t word, std::uint32_t count) {
    return static_cast<std::uint32_t>((std::uint64_t{word} * count) >> 32U);
  };
  const PhiloxWords words =
      Philox({row, step.epoch_low, step.epoch_high,
              static_cast<std::uint32_t>(RandomPurpose::kAugmentation) << kPurposeShift},
             {step.seed_low, step.seed_high});
  DrawnChange change;
  const std::uint32_t places = 2 * changes.crop + 1;
  const std::uint32_t place = pick(words.a, places * places);
  change.down = place / places - changes.crop;
  change.right = place % places - changes.crop;
  change.is_mirrored = changes.has_flips != 0 && words.b >> 31U != 0;
  if (changes.cutout > 0) {
    CutAround(pick(words.c, changes.height), changes.cutout, changes.height, change.top,
              change.bottom);
    CutAround(pick(words.d, changes.width), changes.cutout, changes.width, change.left, change.end);
  }
  return change;
}

// Where a value of a changed image comes from.
struct ChangedSource {
  bool is_blank = false;    // zero, after normalisation
  bool is_outside = false;  // black: a stored zero
  std::uint32_t col = 0;    // of the stored image
};

DDL_INLINE ChangedSource SourceOf(const ImageChanges& changes, const DrawnChange& change,
                                  std::uint32_t col) {
  const std::uint32_t pixel = col / changes.channels;
  const std::uint32_t y = pixel / changes.width;
  const std::uint32_t x = pixel % changes.width;
  const std::uint32_t row = y + change.down;
  const std::uint32_t column = (change.is_mirrored ? changes.width - 1 - x : x) + change.right;
  return {.is_blank = y >= change.top && y < change.bottom && x >= change.left && x < change.end,
          .is_outside = row >= changes.height || column >= changes.width,
          .col = (row * changes.width + column) * changes.channels + col % changes.channels};
}

}  // namespace ddl
