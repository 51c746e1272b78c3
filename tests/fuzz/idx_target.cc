// SPDX-License-Identifier: Apache-2.0
// IDX files of any content: an Error, or rows and shape that the file's bytes fill. Two bytes give
// the length of the features' file, the labels' file is the rest.
#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  static const MemoryFile features;
  static const MemoryFile labels;
  std::string_view rest = AsText(bytes, size);
  const std::size_t low = TakeByte(rest);
  features.Set(TakePiece(rest, low + std::size_t{TakeByte(rest)} * 256));
  labels.Set(rest);
  std::vector<std::size_t> shape;
  bool is_bytes = false;
  try {
    const Records records = ReadIdx({features.Path(), labels.Path()}, shape, is_bytes);
    std::size_t values = records.Rows();
    for (const std::size_t extent : shape)
      values *= extent;
    Promise((is_bytes ? records.bytes.size() : records.reals.size()) == values,
            "as many values as the shape says");
  } catch (const Error&) {
  }
  return 0;
}
