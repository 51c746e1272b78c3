// SPDX-License-Identifier: Apache-2.0
#include "trainer/picture.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/plain_file.h"

namespace ddl {

namespace {

bool BeginsWith(std::span<const std::uint8_t> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(), [](char wanted, std::uint8_t byte) {
           return static_cast<std::uint8_t>(wanted) == byte;
         });
}

// What one pixel takes of an axis: weights of neighbours from `first` on.
struct Share {
  std::size_t first = 0;
  std::vector<std::uint64_t> weights;
};

// Of an axis of `from` pixels that becomes `to`. The weights of each sum to `total`.
struct Axis {
  std::vector<Share> shares;
  std::uint64_t total = 0;
};

// In units of 1 / to of an old pixel, new pixel i covers [i * from, (i + 1) * from).
Axis Shrinking(std::size_t from, std::size_t to) {
  Axis axis{.shares = std::vector<Share>(to), .total = from};
  for (std::size_t i = 0; i < to; ++i) {
    const std::size_t begin = i * from;
    const std::size_t end = begin + from;
    axis.shares[i].first = begin / to;
    for (std::size_t old = begin / to; old * to < end; ++old) {
      axis.shares[i].weights.push_back(std::min(end, (old + 1) * to) - std::max(begin, old * to));
    }
  }
  return axis;
}

// In units of 1 / (2 to) of an old pixel, the centre of new pixel i lies at (2 i + 1) from, that of
// old pixel 0 at `to`.
Axis Growing(std::size_t from, std::size_t to) {
  Axis axis{.shares = std::vector<Share>(to), .total = 2 * to};
  for (std::size_t i = 0; i < to; ++i) {
    const std::size_t centre = std::max((2 * i + 1) * from, to) - to;
    const std::size_t old = std::min(centre / (2 * to), from - 1);
    const std::size_t far = old + 1 < from ? centre - old * 2 * to : 0;
    axis.shares[i].first = old;
    axis.shares[i].weights.push_back(2 * to - far);
    if (far > 0) axis.shares[i].weights.push_back(far);
  }
  return axis;
}

Axis AxisOf(std::size_t from, std::size_t to) {
  return to <= from ? Shrinking(from, to) : Growing(from, to);
}

// One row of the picture, its pixels spread over the new width.
void SpreadRow(const std::uint8_t* row, std::size_t channels, const Axis& across,
               std::uint64_t weight, std::span<std::uint64_t> sums) {
  for (std::size_t x = 0; x < across.shares.size(); ++x) {
    const Share& share = across.shares[x];
    for (std::size_t i = 0; i < share.weights.size(); ++i) {
      const std::uint8_t* pixel = row + (share.first + i) * channels;
      for (std::size_t channel = 0; channel < channels; ++channel) {
        sums[x * channels + channel] += weight * share.weights[i] * pixel[channel];
      }
    }
  }
}

}  // namespace

Picture ReadPicture(const std::string& path) {
  PlainFile file(path);
  if (file.Size() > kMostPictureBytes) {
    throw Error(fmt::format("a picture of {} bytes", file.Size()), path,
                fmt::format("at most {} are read", kMostPictureBytes));
  }
  std::vector<std::uint8_t> bytes(file.Size());
  file.Read(bytes);
  return DecodePicture(bytes, path);
}

Picture DecodePicture(std::span<const std::uint8_t> bytes, const std::string& where) {
  if (BeginsWith(bytes, "\x89PNG")) return DecodePng(bytes, where);
  if (BeginsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg(bytes, where);
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7') {
    return DecodePnm(bytes, where);
  }
  throw Error("neither PNG, JPEG, PPM nor PGM", where, "convert it, or take it out of its folder");
}

void CheckPictureSize(std::size_t height, std::size_t width, const std::string& where) {
  if (height > 0 && width > 0 && width <= kMostPixels / height) return;
  throw Error(fmt::format("a picture of {} x {} pixels", width, height), where,
              fmt::format("1 to {} pixels are read: make it smaller", kMostPixels));
}

Picture WithChannels(Picture picture, std::size_t channels) {
  if (picture.channels == channels) return picture;
  Picture other{.height = picture.height, .width = picture.width, .channels = channels};
  const std::size_t pixels = picture.height * picture.width;
  other.values.reserve(pixels * channels);
  for (std::size_t i = 0; i < pixels; ++i) {
    if (channels == 3) {
      other.values.insert(other.values.end(), 3, picture.values[i]);
      continue;
    }
    const std::uint8_t* pixel = picture.values.data() + i * 3;
    const unsigned grey = (299U * pixel[0] + 587U * pixel[1] + 114U * pixel[2] + 500U) / 1000U;
    other.values.push_back(static_cast<std::uint8_t>(grey));
  }
  return other;
}

Picture Resized(const Picture& picture, std::size_t height, std::size_t width) {
  const Axis down = AxisOf(picture.height, height);
  const Axis across = AxisOf(picture.width, width);
  const std::uint64_t total = down.total * across.total;
  const std::size_t row_values = picture.width * picture.channels;
  Picture resized{.height = height, .width = width, .channels = picture.channels};
  std::vector<std::uint64_t> sums(width * picture.channels);
  for (const Share& share : down.shares) {
    std::ranges::fill(sums, 0U);
    for (std::size_t i = 0; i < share.weights.size(); ++i) {
      SpreadRow(picture.values.data() + (share.first + i) * row_values, picture.channels, across,
                share.weights[i], sums);
    }
    for (const std::uint64_t sum : sums) {
      resized.values.push_back(static_cast<std::uint8_t>((sum + total / 2) / total));
    }
  }
  return resized;
}

}  // namespace ddl
