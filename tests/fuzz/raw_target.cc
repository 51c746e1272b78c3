// SPDX-License-Identifier: Apache-2.0
// Raw records of any content, described by any sidecar: an Error, or as many finite values as the
// shape says and labels within their classes. Two bytes give the length of the sidecar, the next
// two that of the training part; the rest are labels, where they lie in a file.
#include <cmath>

#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/raw.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  static const MemoryFile records;
  static const MemoryFile labels;
  std::string_view rest = AsText(bytes, size);
  const std::size_t low = TakeByte(rest);
  const std::string sidecar(TakePiece(rest, low + std::size_t{TakeByte(rest)} * 256));
  const std::size_t low_of_records = TakeByte(rest);
  records.Set(TakePiece(rest, low_of_records + std::size_t{TakeByte(rest)} * 256));
  labels.Set(rest);
  try {
    const RawLayout layout = ReadRawLayout(ParseJson(sidecar, "sidecar"), "sidecar");
    Promise(layout.classes >= 2 && layout.RecordBytes() > 0, "a layout has classes and bytes");
    const bool in_file = layout.place == LabelPlace::kFile;
    const auto source = OpenRaw({records.Path(), in_file ? labels.Path() : "", "", ""}, layout);
    const ReadData data = ReadAll(*source);
    const std::size_t values = data.train.Rows() * data.Features();
    Promise((data.is_bytes ? data.train.bytes.size() : data.train.reals.size()) == values,
            "as many values as the shape says");
    for (const float value : data.train.reals)
      Promise(std::isfinite(value), "features are finite");
    for (const std::int32_t label : data.train.labels)
      Promise(label >= 0 && static_cast<std::size_t>(label) < data.classes, "a label is a class");
  } catch (const Error&) {
  }
  return 0;
}
