// SPDX-License-Identifier: Apache-2.0
// Pictures of any content and format: an Error, or as many values as the size says; resizing keeps
// values within their range, and a picture of its own size as it is.
#include <algorithm>

#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  try {
    const Picture picture = DecodePicture({bytes, size}, "input");
    Promise(picture.channels == 1 || picture.channels == 3, "grey or colours");
    Promise(picture.values.size() == picture.height * picture.width * picture.channels,
            "as many values as the size says");
    if (picture.values.size() > 1U << 16U) return 0;
    Promise(Resized(picture, picture.height, picture.width).values == picture.values,
            "its own size changes nothing");
    const auto [least, most] = std::ranges::minmax(picture.values);
    for (const std::uint8_t value : Resized(picture, 5, 7).values)
      Promise(value >= least && value <= most, "a mean lies between");
  } catch (const Error&) {
  }
  return 0;
}
