// SPDX-License-Identifier: Apache-2.0
// Sizes of images as they pass through a network. Memory is row by row, a pixel's channels side by
// side: pixel (y, x) of sample n is row (n * height + y) * width + x of a flow.
#pragma once

#include <cstddef>

namespace ddl {

struct ImageSize {
  std::size_t height = 1;
  std::size_t width = 1;

  [[nodiscard]] std::size_t Pixels() const { return height * width; }
  bool operator==(const ImageSize&) const = default;
};

// How images lie in a flow or in data.
struct ImageLayout {
  ImageSize size;
  std::size_t channels = 1;
  std::size_t pixel = 1;   // floats from a pixel to the next: channels, in a flow with padding
  std::size_t sample = 1;  // floats from a sample to the next
};

// A square window that moves over an image.
struct Window {
  std::size_t size = 1;
  std::size_t stride = 1;
  std::size_t padding = 0;  // zeros on each side

  // Places of the window along `length`, which is at least size - 2 * padding.
  [[nodiscard]] std::size_t Places(std::size_t length) const {
    return (length + 2 * padding - size) / stride + 1;
  }
  [[nodiscard]] ImageSize Output(const ImageSize& input) const {
    return {.height = Places(input.height), .width = Places(input.width)};
  }
  bool operator==(const Window&) const = default;
};

}  // namespace ddl
