// SPDX-License-Identifier: Apache-2.0
// Moving, mirroring and scaling of an image in one pass. Subtraction and product are rounded one by
// one, as in GatherRows: an image that nothing happens to has the same bits as there.
#include <algorithm>
#include <cassert>

#include "trainer/augment.h"
#include "trainer/clones.h"

namespace ddl {

namespace {

// The part of a line that comes from within the image.
struct Stretch {
  std::size_t begin = 0;  // columns of the output
  std::size_t end = 0;
  std::size_t source = 0;  // column that `begin` comes from
};

Stretch Within(std::ptrdiff_t right, std::size_t width) {
  const auto size = static_cast<std::ptrdiff_t>(width);
  const std::ptrdiff_t begin = std::clamp<std::ptrdiff_t>(-right, 0, size);
  const std::ptrdiff_t end = std::clamp<std::ptrdiff_t>(size - right, begin, size);
  return {.begin = static_cast<std::size_t>(begin),
          .end = static_cast<std::size_t>(end),
          .source = static_cast<std::size_t>(begin + right)};
}

template <class Stored>
DDL_INLINE void ScaleForwards(const Stored* from, std::size_t count, float mean, float scale,
                              float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = (static_cast<float>(from[i]) - mean) * scale;
  }
}

// Pixels from the last to the first, channels in their order.
template <class Stored>
DDL_INLINE void ScaleBackwards(const Stored* from, std::size_t pixels, std::size_t channels,
                               float mean, float scale, float* out) {
  if (channels == 1) {
    for (std::size_t i = 0; i < pixels; ++i) {
      out[i] = (static_cast<float>(from[pixels - 1 - i]) - mean) * scale;
    }
    return;
  }
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      const auto value = static_cast<float>(from[(pixels - 1 - i) * channels + c]);
      out[i * channels + c] = (value - mean) * scale;
    }
  }
}

// With one mean and scale for all features.
template <class Stored>
DDL_INLINE void ChangeUniformly(const Stored* stored, float mean, float scale,
                                const Augmentation& images, const ImageChange& change, float* out) {
  const std::size_t channels = images.channels;
  const std::size_t line = images.size.width * channels;
  const float black = (0.0F - mean) * scale;
  // A mirrored line is that of the mirrored image moved the other way.
  const Stretch in = Within(change.is_mirrored ? -change.right : change.right, images.size.width);
  for (std::size_t y = 0; y < images.size.height; ++y, out += line) {
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(y) + change.down;
    if (from < 0 || from >= static_cast<std::ptrdiff_t>(images.size.height)) {
      std::fill_n(out, line, black);
      continue;
    }
    const Stored* source = stored + static_cast<std::size_t>(from) * line;
    const std::size_t pixels = in.end - in.begin;
    std::fill_n(out, in.begin * channels, black);
    if (change.is_mirrored) {
      const std::size_t last = images.size.width - in.source - pixels;
      ScaleBackwards(source + last * channels, pixels, channels, mean, scale,
                     out + in.begin * channels);
    } else {
      ScaleForwards(source + in.source * channels, pixels * channels, mean, scale,
                    out + in.begin * channels);
    }
    std::fill_n(out + in.end * channels, line - in.end * channels, black);
  }
}

DDL_CLONES void ChangeBytes(const std::uint8_t* stored, float mean, float scale,
                            const Augmentation& images, const ImageChange& change, float* out) {
  ChangeUniformly(stored, mean, scale, images, change, out);
}

DDL_CLONES void ChangeReals(const float* stored, float mean, float scale,
                            const Augmentation& images, const ImageChange& change, float* out) {
  ChangeUniformly(stored, mean, scale, images, change, out);
}

// A mean and scale for each feature are those of the place that a value comes to.
template <class Stored>
void ChangeEach(const Stored* stored, const Affine& affine, const Augmentation& images,
                const ImageChange& change, float* out) {
  const std::size_t channels = images.channels;
  const auto [height, width] = images.size;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t unmirrored = change.is_mirrored ? width - 1 - x : x;
      const std::size_t row = y + static_cast<std::size_t>(change.down);  // wraps below zero
      const std::size_t column = unmirrored + static_cast<std::size_t>(change.right);
      const bool is_inside = row < height && column < width;
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t j = (y * width + x) * channels + c;
        const float value =
            is_inside ? static_cast<float>(stored[(row * width + column) * channels + c]) : 0.0F;
        out[j] = (value - affine.mean[j]) * affine.scale[j];
      }
    }
  }
}

void BlankSquare(const Augmentation& images, const ImageChange& change, float* out) {
  const std::size_t line = images.size.width * images.channels;
  for (std::size_t y = change.top; y < change.bottom; ++y) {
    std::fill_n(out + y * line + change.left * images.channels,
                (change.end - change.left) * images.channels, 0.0F);
  }
}

}  // namespace

void ChangeImage(std::span<const std::uint8_t> stored, const Affine& affine,
                 const Augmentation& augmentation, const ImageChange& change, float* out) {
  if (affine.mean.size() > 1) {
    ChangeEach(stored.data(), affine, augmentation, change, out);
  } else {
    ChangeBytes(stored.data(), affine.mean[0], affine.scale[0], augmentation, change, out);
  }
  BlankSquare(augmentation, change, out);
}

void ChangeImage(std::span<const float> stored, const Affine& affine,
                 const Augmentation& augmentation, const ImageChange& change, float* out) {
  if (affine.mean.size() > 1) {
    ChangeEach(stored.data(), affine, augmentation, change, out);
  } else {
    ChangeReals(stored.data(), affine.mean[0], affine.scale[0], augmentation, change, out);
  }
  BlankSquare(augmentation, change, out);
}

}  // namespace ddl
