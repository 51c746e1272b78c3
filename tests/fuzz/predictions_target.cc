// SPDX-License-Identifier: Apache-2.0
// A file of predictions of any content: damaged, or it says the same when it is written and read
// again. First byte: a file as it is, or a header and body to which preamble and checksum are added
// (two bytes of header length).
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sealed.h"
#include "trainer/predictions.h"

namespace {

using namespace ddl;

void CheckPart(const Predictions& predictions, const PartPredictions& part) {
  Promise(part.outputs.size() == part.rows.size() * predictions.outputs, "every row is whole");
  Promise(part.labels.size() + part.targets.size() == part.rows.size(), "every row has its truth");
  for (const std::int32_t label : part.labels)
    Promise(label >= 0 && static_cast<std::size_t>(label) < predictions.outputs,
            "labels may index outputs");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const MemoryFile file;
  static const MemoryFolder folder;
  std::string_view rest = AsText(bytes, size);
  file.Set((TakeByte(rest) & 1U) != 0 ? Sealed("ddl pred", rest) : std::string(rest));
  const auto read = ReadPredictions(file.Path());
  const auto* predictions = std::get_if<Predictions>(&read);
  if (predictions == nullptr) return 0;
  CheckPart(*predictions, predictions->validation);
  CheckPart(*predictions, predictions->test);
  const std::string path = folder.Path() + "/again";
  WritePredictions(path, *predictions);
  const auto again = ReadPredictions(path);
  Promise(std::holds_alternative<Predictions>(again), "what is written can be read");
  Promise(std::get<Predictions>(again) == *predictions, "predictions read back to the same");
  return 0;
}
