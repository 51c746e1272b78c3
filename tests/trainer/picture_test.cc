// SPDX-License-Identifier: Apache-2.0
#include "trainer/picture.h"

#include <cstdio>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jpeglib.h>
#include <png.h>

#include "configs/error.h"

namespace ddl {
namespace picture_test {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

std::vector<std::uint8_t> Bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

Picture Decode(const std::string& text) {
  return DecodePicture(Bytes(text), "p");
}

std::string Refusal(const std::vector<std::uint8_t>& bytes) {
  try {
    (void)DecodePicture(bytes, "p");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string Refusal(const std::string& text) {
  return Refusal(Bytes(text));
}

std::vector<std::uint8_t> Png(std::uint32_t width, std::uint32_t height, std::uint32_t format,
                              const std::vector<std::uint8_t>& values) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = format;
  png_alloc_size_t size = 0;
  EXPECT_NE(png_image_write_to_memory(&image, nullptr, &size, 0, values.data(), 0, nullptr), 0);
  std::vector<std::uint8_t> bytes(size);
  EXPECT_NE(png_image_write_to_memory(&image, bytes.data(), &size, 0, values.data(), 0, nullptr),
            0);
  bytes.resize(size);
  return bytes;
}

std::vector<std::uint8_t> Jpeg(std::uint32_t width, std::uint32_t height, int channels,
                               std::vector<std::uint8_t> values,
                               const std::vector<jpeg_scan_info>& scans = {}) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &out, &size);
  state.image_width = width;
  state.image_height = height;
  state.input_components = channels;
  state.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, 100, TRUE);
  if (!scans.empty()) {
    state.scan_info = scans.data();
    state.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&state, TRUE);
  for (std::uint32_t row = 0; row < height; ++row) {
    JSAMPROW line = values.data() + row * width * static_cast<std::uint32_t>(channels);
    jpeg_write_scanlines(&state, &line, 1);
  }
  jpeg_finish_compress(&state);
  jpeg_destroy_compress(&state);
  std::vector<std::uint8_t> bytes(out, out + size);
  free(out);
  return bytes;
}

TEST(Picture, PnmComesPlainAndBinaryWithCommentsAndAnyLargestValue) {
  const Picture binary = Decode("P6 # colours\n2 1\n255\nabcdef");
  EXPECT_EQ(binary.width, 2U);
  EXPECT_EQ(binary.height, 1U);
  EXPECT_EQ(binary.channels, 3U);
  EXPECT_THAT(binary.values, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(Decode("P2\n#c\n3 1 # d\n 15\n0 7\n15").values, ElementsAre(0, 119, 255));
  EXPECT_THAT(Decode("P3 1 1 255 1 2 3").values, ElementsAre(1, 2, 3));
  EXPECT_THAT(Decode(std::string("P5 2 1 65535\n\xff\xff\x80\x00", 17)).values,
              ElementsAre(255, 128));
}

TEST(Picture, PnmFaultsSayWhatIsWrong) {
  EXPECT_EQ(Refusal("P6 2 1 255\nabcde"),
            "p: truncated: 16 bytes, and its pixels alone need 6; get the file again");
  EXPECT_EQ(Refusal("P4 8 1\n1"), "p: P4 is not read; save it as PGM or PPM: P2, P3, P5 or P6");
  EXPECT_EQ(Refusal("P5 x 1 255\n1"), "p: byte 4: no number; save it again");
  EXPECT_EQ(Refusal("P5 99999999999 1 255\n1"), "p: byte 4: too large a number; save it again");
  EXPECT_EQ(Refusal("P5 0 1 255\n"),
            "p: a picture of 0 x 1 pixels; 1 to 67108864 pixels are read: make it smaller");
  EXPECT_EQ(Refusal("P5 60000 60000 255\n"),
            "p: a picture of 60000 x 60000 pixels; 1 to 67108864 pixels are read: make it smaller");
  EXPECT_EQ(Refusal("P2 1 1 9\n12"), "p: byte 11: 12 is above the largest value 9; save it again");
  EXPECT_EQ(Refusal("P2 2 1 9\n1"), "p: byte 11: no number; save it again");
  EXPECT_EQ(Refusal("P5 1 1 70000\na"), "p: a largest value of 70000; save it again");
  EXPECT_EQ(Refusal("GIF89a"),
            "p: neither PNG, JPEG, PPM nor PGM; convert it, or take it out of its folder");
}

TEST(Picture, PngOfGreyColourAndTransparency) {
  const Picture grey = DecodePicture(Png(2, 2, PNG_FORMAT_GRAY, {0, 9, 100, 255}), "p");
  EXPECT_EQ(grey.channels, 1U);
  EXPECT_THAT(grey.values, ElementsAre(0, 9, 100, 255));
  const std::vector<std::uint8_t> colours{1, 2, 3, 250, 251, 252};
  const Picture colour = DecodePicture(Png(1, 2, PNG_FORMAT_RGB, colours), "p");
  EXPECT_EQ(colour.height, 2U);
  EXPECT_EQ(colour.channels, 3U);
  EXPECT_THAT(colour.values, ElementsAreArray(colours));
  const Picture clear = DecodePicture(Png(2, 1, PNG_FORMAT_RGBA, {9, 9, 9, 0, 7, 8, 9, 255}), "p");
  EXPECT_THAT(clear.values, ElementsAre(0, 0, 0, 7, 8, 9)) << "on black";
}

// One that says nothing of its gamma: by libpng's other interface, which writes what it is given.
std::vector<std::uint8_t> WidePng(std::uint32_t width, int colours,
                                  std::vector<std::uint8_t> big_endian) {
  std::vector<std::uint8_t> bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop facts = png_create_info_struct(png);
  const auto take = [](png_structp to, png_bytep more, std::size_t count) {
    auto& out = *static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(to));
    out.insert(out.end(), more, more + count);
  };
  png_set_write_fn(png, &bytes, take, [](png_structp) {});
  png_set_IHDR(png, facts, width, 1, 16, colours, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, facts);
  png_write_row(png, big_endian.data());
  png_write_end(png, facts);
  png_destroy_write_struct(&png, &facts);
  return bytes;
}

TEST(Picture, PngOfSixteenBitsIsAsBrightAsThePgm) {
  const std::vector<std::uint8_t> values{0x01, 0x01, 0x10, 0x00, 0x40, 0x00, 0x80, 0x00};
  const Picture pgm = Decode("P5 4 1 65535\n" + std::string(values.begin(), values.end()));
  EXPECT_THAT(pgm.values, ElementsAre(1, 16, 64, 128));
  EXPECT_EQ(DecodePicture(WidePng(4, PNG_COLOR_TYPE_GRAY, values), "p").values, pgm.values);
  const std::vector<std::uint8_t> colour{0x01, 0x01, 0x40, 0x00, 0x80, 0x00};
  EXPECT_THAT(DecodePicture(WidePng(1, PNG_COLOR_TYPE_RGB, colour), "p").values,
              ElementsAre(1, 64, 128));
}

TEST(Picture, PngThatIsDamagedOrCutIsRefused) {
  std::vector<std::uint8_t> bytes = Png(30, 30, PNG_FORMAT_GRAY, std::vector<std::uint8_t>(900, 7));
  std::vector<std::uint8_t> cut(bytes.begin(), bytes.end() - 20);
  EXPECT_THAT(Refusal(cut), HasSubstr("p: not a whole PNG: "));
  bytes[bytes.size() - 24] ^= 0x10U;  // of the compressed pixels
  EXPECT_THAT(Refusal(bytes), HasSubstr("p: not a whole PNG: "));
}

TEST(Picture, JpegOfGreyAndColour) {
  std::vector<std::uint8_t> values(std::size_t{16} * 8);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::uint8_t>(i % 16 * 10);
  const Picture grey = DecodePicture(Jpeg(16, 8, 1, values), "p");
  EXPECT_EQ(grey.width, 16U);
  EXPECT_EQ(grey.height, 8U);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(grey.values[i], values[i], 3);
  const Picture red = DecodePicture(Jpeg(1, 1, 3, {200, 10, 20}), "p");
  EXPECT_EQ(red.channels, 3U);
  EXPECT_NEAR(red.values[0], 200, 4);
}

TEST(Picture, JpegThatIsDamagedOrCutIsRefused) {
  const std::vector<std::uint8_t> bytes = Jpeg(64, 64, 1, std::vector<std::uint8_t>(4096, 90));
  for (const std::size_t size : {bytes.size() - 2, bytes.size() / 2, std::size_t{4}})
    EXPECT_THAT(Refusal(std::vector<std::uint8_t>(bytes.data(), bytes.data() + size)),
                HasSubstr("p: not a whole JPEG: "))
        << size;
}

// One scan for the mean of each block, and `refined` of its 63 frequencies in two scans each.
std::vector<jpeg_scan_info> ManyScans(int refined) {
  std::vector<jpeg_scan_info> scans{{.comps_in_scan = 1}};
  for (int bit = 1; bit >= 0; --bit) {
    for (int at = 1; at <= refined; ++at)
      scans.push_back({.comps_in_scan = 1, .Ss = at, .Se = at, .Ah = bit == 1 ? 0 : 1, .Al = bit});
  }
  return scans;
}

TEST(Picture, JpegOfManyScansIsRefusedBeforeItTakesLong) {
  const std::vector<std::uint8_t> values(4096, 90);
  EXPECT_EQ(DecodePicture(Jpeg(64, 64, 1, values, ManyScans(40)), "p").height, 64U);
  EXPECT_EQ(Refusal(Jpeg(64, 64, 1, values, ManyScans(63))),
            "p: not a whole JPEG: more than 100 scans; get the file again");
}

TEST(Picture, ChannelsBecomeMoreOrLess) {
  const Picture colour{.height = 1, .width = 2, .channels = 3, .values = {255, 0, 0, 10, 20, 30}};
  EXPECT_THAT(WithChannels(colour, 1).values, ElementsAre(76, 18));
  const Picture grey{.height = 1, .width = 2, .channels = 1, .values = {5, 6}};
  EXPECT_THAT(WithChannels(grey, 3).values, ElementsAre(5, 5, 5, 6, 6, 6));
}

TEST(Picture, ShrinkingTakesTheMeanOfTheArea) {
  const Picture picture{.height = 2, .width = 4, .values = {0, 4, 100, 100, 8, 12, 100, 104}};
  EXPECT_THAT(Resized(picture, 1, 2).values, ElementsAre(6, 101));
  const Picture line{.height = 1, .width = 3, .values = {0, 90, 210}};
  // The first of two takes all of the first pixel and half of the second.
  EXPECT_THAT(Resized(line, 1, 2).values, ElementsAre(30, 170));
}

TEST(Picture, GrowingIsLinearBetweenCentres) {
  const Picture line{.height = 1, .width = 2, .values = {0, 100}};
  EXPECT_THAT(Resized(line, 1, 4).values, ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(Resized(line, 2, 2).values, ElementsAre(0, 100, 0, 100));
}

TEST(Picture, ResizingKeepsWhatIsEvenAndWhatHasTheSize) {
  const Picture even{
      .height = 5, .width = 7, .channels = 3, .values = std::vector<std::uint8_t>(105, 201)};
  for (const auto& [height, width] : {std::pair{3U, 11U}, std::pair{13U, 2U}, std::pair{5U, 7U}})
    EXPECT_THAT(Resized(even, height, width).values,
                testing::AllOf(testing::SizeIs(height * width * 3), testing::Each(201)));
  const Picture picture{.height = 2, .width = 2, .values = {1, 2, 3, 4}};
  EXPECT_EQ(Resized(picture, 2, 2).values, picture.values);
}

}  // namespace picture_test
}  // namespace ddl
