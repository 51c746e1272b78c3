// SPDX-License-Identifier: Apache-2.0
// The only door to libpng, through its simplified interface.
#include <fmt/format.h>
#include <png.h>

#include "configs/error.h"
#include "trainer/picture.h"

namespace ddl {

namespace {

class PngImage {
 public:
  PngImage() { image_.version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(&image_); }

  png_image& Get() { return image_; }

 private:
  png_image image_{};
};

}  // namespace

Picture DecodePng(std::span<const std::uint8_t> bytes, const std::string& where) {
  const auto refuse = [&where](const png_image& image) {
    throw Error(fmt::format("not a whole PNG: {}", image.message), where, "get the file again");
  };
  PngImage owned;
  png_image& image = owned.Get();
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) refuse(image);
  // Else libpng takes 16 bits a channel that do not tell their gamma for linear light.
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  CheckPictureSize(image.height, image.width, where);
  const bool has_colours = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = has_colours ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Picture picture{.height = image.height,
                  .width = image.width,
                  .channels = has_colours ? std::size_t{3} : std::size_t{1}};
  picture.values.resize(picture.height * picture.width * picture.channels);
  const png_color black{};
  if (png_image_finish_read(&image, &black, picture.values.data(), 0, nullptr) == 0 ||
      PNG_IMAGE_FAILED(image)) {
    refuse(image);
  }
  return picture;
}

}  // namespace ddl
