// SPDX-License-Identifier: Apache-2.0
// Training images, changed anew in every epoch. What happens to an image is a pure function of
// (seed, epoch, row): resuming and the order of computing cannot change a bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/dataset.h"
#include "trainer/image.h"

namespace ddl {

struct AugmentSettings {
  std::size_t crop = 0;    // pixels around the image from which a crop of its size may reach out
  bool has_flips = false;  // every other image is mirrored, left to right
  std::size_t cutout = 0;  // side of a square that is blanked

  [[nodiscard]] bool IsOn() const { return crop > 0 || has_flips || cutout > 0; }
  bool operator==(const AugmentSettings&) const = default;
};

// What happens to one image. Pixel (y, x) comes from (y + down, x + right), before the mirror; what
// lies outside is black: a stored zero. The square is blanked last, with zeros after normalisation,
// which is the mean.
struct ImageChange {
  std::ptrdiff_t down = 0;
  std::ptrdiff_t right = 0;
  bool is_mirrored = false;
  std::size_t top = 0;  // of the square: rows [top, bottom), columns [left, end)
  std::size_t bottom = 0;
  std::size_t left = 0;
  std::size_t end = 0;
};

// Crop and mirror as usual for CIFAR (He et al., 2016, section 4.2): offsets uniform in [-crop,
// crop]. The square's centre is any pixel, so that part of it may lie outside (DeVries and Taylor,
// "Improved regularization of convolutional neural networks with Cutout", 2017).
[[nodiscard]] ImageChange DrawChange(const AugmentSettings& settings, const ImageSize& image,
                                     std::uint64_t seed, std::uint64_t epoch, std::uint32_t row);

struct Augmentation {
  AugmentSettings settings;
  ImageSize size;
  std::size_t channels = 1;
  std::uint64_t seed = 0;
  bool operator==(const Augmentation&) const = default;
};

// As GatherRows, of images changed as the epoch draws it. `stride` >= features, in floats.
void GatherChanged(const Split& split, std::span<const std::uint32_t> rows, const Affine& affine,
                   const Augmentation& augmentation, std::uint64_t epoch, std::span<float> out,
                   std::size_t stride);

// One image: `stored` row by row, a pixel's channels side by side, to `out` likewise.
void ChangeImage(std::span<const std::uint8_t> stored, const Affine& affine,
                 const Augmentation& augmentation, const ImageChange& change, float* out);
void ChangeImage(std::span<const float> stored, const Affine& affine,
                 const Augmentation& augmentation, const ImageChange& change, float* out);

// For an augmentation of images of `sizes` ([height, width] or [height, width, channels]). Throws
// Error naming the key for what are no images of `features` numbers, and for a crop or square as
// large as they are.
[[nodiscard]] Augmentation MakeAugmentation(const AugmentSettings& settings,
                                            const std::vector<std::size_t>& sizes,
                                            std::size_t features, std::uint64_t seed);

}  // namespace ddl
