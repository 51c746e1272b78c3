// SPDX-License-Identifier: Apache-2.0
// Slots as the store keeps them, and progress as viewers get it: refused, or written as text that
// reads to the same.
#include "configs/error.h"
#include "scheduler/progress_json.h"
#include "scheduler/slots_json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  if (const std::optional<Slots> slots = SlotsFromJson(text)) {
    Promise(SlotsFromJson(SlotsToJson(*slots)) == slots, "slots read back to the same");
    (void)DescribeSlots(*slots);
  }
  try {
    const ProgressMessage message = ProgressFromJson(ParseJson(text, "input"));
    const std::string line = DumpJson(ProgressJson(message.progress, message.running));
    const ProgressMessage again = ProgressFromJson(ParseJson(line, "again"));
    Promise(DumpJson(ProgressJson(again.progress, again.running)) == line,
            "progress reads back to the same");
  } catch (const Error&) {
  }
  return 0;
}
