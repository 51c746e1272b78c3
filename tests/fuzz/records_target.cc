// SPDX-License-Identifier: Apache-2.0
// start.json, exit.json, *.busy and launches: nothing, or a record that is written as text which
// reads to the same.
#include "runner/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

template <class Read>
void Check(std::string_view text, Read read) {
  const auto record = read(text);
  if (!record) return;
  const std::string written = ddl::ToJsonText(*record);
  const auto again = read(written);
  ddl::Promise(again.has_value(), "what is written can be read");
  ddl::Promise(ddl::ToJsonText(*again) == written, "a record reads back to the same");
  ddl::Promise(written.find('\n') == std::string::npos, "a record is one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  Check(text, StartRecordFromJson);
  Check(text, ExitRecordFromJson);
  Check(text, SlotBusyFromJson);
  return 0;
}
