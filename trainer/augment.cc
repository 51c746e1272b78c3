// SPDX-License-Identifier: Apache-2.0
#include "trainer/augment.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/random.h"

namespace ddl {

namespace {

// 0 .. count - 1; the bias is below count / 2^32.
std::size_t Pick(std::uint32_t word, std::size_t count) {
  return static_cast<std::size_t>((std::uint64_t{word} * count) >> 32U);
}

// A part of `length` around `centre`, cut to [0, size).
std::pair<std::size_t, std::size_t> Around(std::size_t centre, std::size_t length,
                                           std::size_t size) {
  const std::size_t before = length / 2;
  const std::size_t begin = centre - std::min(centre, before);
  return {begin, std::min(centre + length - before, size)};
}

void CheckSize(std::size_t pixels, const ImageSize& image, const char* key) {
  if (pixels < std::min(image.height, image.width)) return;
  throw Error(fmt::format("{} pixels of images of {} x {}", pixels, image.height, image.width),
              fmt::format("augment.{}", key), "make it smaller than the images");
}

}  // namespace

ImageChange DrawChange(const AugmentSettings& settings, const ImageSize& image, std::uint64_t seed,
                       std::uint64_t epoch, std::uint32_t row) {
  std::array<std::uint32_t, 4> words{};
  FillWords({.seed = seed, .purpose = RandomPurpose::kAugmentation, .step = epoch},
            std::uint64_t{row} * words.size(), words);
  ImageChange change;
  const std::size_t places = 2 * settings.crop + 1;
  const std::size_t place = Pick(words[0], places * places);
  const auto crop = static_cast<std::ptrdiff_t>(settings.crop);
  change.down = static_cast<std::ptrdiff_t>(place / places) - crop;
  change.right = static_cast<std::ptrdiff_t>(place % places) - crop;
  change.is_mirrored = settings.has_flips && words[1] >> 31U != 0;
  if (settings.cutout > 0) {
    std::tie(change.top, change.bottom) =
        Around(Pick(words[2], image.height), settings.cutout, image.height);
    std::tie(change.left, change.end) =
        Around(Pick(words[3], image.width), settings.cutout, image.width);
  }
  return change;
}

void GatherChanged(const Split& split, std::span<const std::uint32_t> rows, const Affine& affine,
                   const Augmentation& augmentation, std::uint64_t epoch, std::span<float> out,
                   std::size_t stride) {
  std::visit(
      [&](const auto& values) {
        const std::size_t features = augmentation.size.Pixels() * augmentation.channels;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          const ImageChange change = DrawChange(augmentation.settings, augmentation.size,
                                                augmentation.seed, epoch, rows[i]);
          ChangeImage(values.subspan(std::size_t{rows[i]} * features, features), affine,
                      augmentation, change, out.data() + i * stride);
        }
      },
      split.features);
}

Augmentation MakeAugmentation(const AugmentSettings& settings,
                              const std::vector<std::size_t>& sizes, std::size_t features,
                              std::uint64_t seed) {
  const std::size_t product =
      std::accumulate(sizes.begin(), sizes.end(), std::size_t{1}, std::multiplies<>());
  if ((sizes.size() != 2 && sizes.size() != 3) || product != features) {
    throw Error(
        fmt::format("rows of {} numbers are no images of [{}]", features, fmt::join(sizes, ", ")),
        "augment", "leave it out, or say model.image: [height, width, channels]");
  }
  const Augmentation augmentation{.settings = settings,
                                  .size = {.height = sizes[0], .width = sizes[1]},
                                  .channels = sizes.size() == 3 ? sizes[2] : 1,
                                  .seed = seed};
  CheckSize(settings.crop, augmentation.size, "crop");
  CheckSize(settings.cutout, augmentation.size, "cutout");
  return augmentation;
}

}  // namespace ddl
