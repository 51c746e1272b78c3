// SPDX-License-Identifier: Apache-2.0
// Tables of any content: an Error with a line, or finite features, labels within their classes.
// First byte: header, delimiter, label by name; second and third: length of the training file.
#include <cmath>

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
  try {
    const CsvTable train = ReadCsvTable(train_file.Path(), format);
    Promise(train.values.size() == train.features * train.labels.size() &&
                train.lines.size() == train.labels.size(),
            "every row has every field");
    const CsvTable test = rest.empty() ? CsvTable{} : ReadCsvTable(test_file.Path(), format);
    const auto source = SourceOf(DataOf(train, train_file.Path(), test, test_file.Path()), "input");
    const ReadData data = ReadAll(*source);
    for (const float value : data.train.reals)
      Promise(std::isfinite(value), "features are finite");
    for (const std::int32_t label : data.train.labels)
      Promise(label >= 0 && static_cast<std::size_t>(label) < data.classes, "a label is a class");
  } catch (const Error&) {
  }
  return 0;
}
