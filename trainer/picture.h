// SPDX-License-Identifier: Apache-2.0
// Pictures in files: PNG, JPEG (through their libraries), and PPM and PGM, plain or binary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ddl {

struct Picture {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;          // 1 grey, 3 red, green and blue
  std::vector<std::uint8_t> values;  // [height, width, channels]
};

// A file that says it holds more is refused before memory is taken for it.
inline constexpr std::size_t kMostPixels = std::size_t{1} << 26U;
inline constexpr std::size_t kMostPictureBytes = std::size_t{1} << 28U;  // of a file

// Tells the format by the first bytes. Transparent parts are laid on black; 16 bits a channel
// become
// 8. Throws Error naming the file and what is wrong with it.
[[nodiscard]] Picture ReadPicture(const std::string& path);

// The same of a file's content; `where` names it.
[[nodiscard]] Picture DecodePicture(std::span<const std::uint8_t> bytes, const std::string& where);

// The formats themselves; the content begins as theirs do.
[[nodiscard]] Picture DecodePng(std::span<const std::uint8_t> bytes, const std::string& where);
[[nodiscard]] Picture DecodeJpeg(std::span<const std::uint8_t> bytes, const std::string& where);
[[nodiscard]] Picture DecodePnm(std::span<const std::uint8_t> bytes, const std::string& where);

// Throws Error for no pixels, or more than kMostPixels.
void CheckPictureSize(std::size_t height, std::size_t width, const std::string& where);

// Grey is (299 red + 587 green + 114 blue) / 1000, rounded; colours of grey are three times that.
[[nodiscard]] Picture WithChannels(Picture picture, std::size_t channels);

// Stretched to the size: along each axis the mean over the area that a pixel covers where it
// shrinks, linear between the centres of pixels where it grows. In whole numbers, rounded once:
// the same bits everywhere.
[[nodiscard]] Picture Resized(const Picture& picture, std::size_t height, std::size_t width);

}  // namespace ddl
