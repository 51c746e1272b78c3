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
  try {
    const auto source = OpenPairs({features.Path(), labels.Path(), "", ""}, OpenIdx, "fuzz", {});
    const ReadData data = ReadAll(*source);
    const std::size_t values = data.train.Rows() * data.Features();
    Promise((data.is_bytes ? data.train.bytes.size() : data.train.reals.size()) == values,
            "as many values as the shape says");
    for (const std::int32_t label : data.train.labels)
      Promise(label >= 0 && static_cast<std::size_t>(label) < data.classes, "a label is a class");
  } catch (const Error&) {
  }
  return 0;
}
