// SPDX-License-Identifier: Apache-2.0
// Tables of any content: an Error with a line, or finite features, labels within their classes.
// First byte: header, delimiter, label by name, categories, missing values; second and third:
// length of the training file.
#include <cmath>
#include <utility>

#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/csv.h"
#include "trainer/record_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  static const MemoryFile train_file;
  static const MemoryFile test_file;
  std::string_view rest = AsText(bytes, size);
  const std::uint8_t choice = TakeByte(rest);
  const std::size_t low = TakeByte(rest);
  train_file.Set(TakePiece(rest, low + std::size_t{TakeByte(rest)} * 256));
  test_file.Set(rest);
  CsvFormat format{.delimiter = (choice & 1U) != 0 ? ';' : ','};
  if ((choice & 2U) != 0) format.has_header = (choice & 4U) != 0;
  if ((choice & 8U) != 0) format.label = "y";
  if ((choice & 16U) != 0) format.categories = {"1"};
  if ((choice & 32U) != 0) format.missing = MissingValues::kMean;
  if ((choice & 64U) != 0) format.missing = MissingValues::kDrop;
  if ((choice & 128U) != 0) format.most_categories = 3;
  try {
    const auto source =
        OpenCsv(train_file.Path(), rest.empty() ? "" : test_file.Path(), std::move(format));
    const ReadData data = ReadAll(*source);
    Promise(data.train.reals.size() == data.train.Rows() * data.Features(),
            "every row has every feature");
    for (const float value : data.train.reals)
      Promise(std::isfinite(value), "features are finite");
    for (const Records* part : {&data.train, &data.test}) {
      for (const std::int32_t label : part->labels)
        Promise(label >= 0 && static_cast<std::size_t>(label) < data.classes, "a label is a class");
    }
  } catch (const Error&) {
  }
  return 0;
}
