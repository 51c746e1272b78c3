// SPDX-License-Identifier: Apache-2.0
// JSON that parses is written as text that parses to the same; the two ways of parsing agree where
// both accept.
#include "configs/error.h"
#include "configs/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  Json strict;
  bool is_strict = false;
  try {
    strict = ParseJson(text, "input");
    is_strict = true;
  } catch (const Error&) {
  }
  if (is_strict) {
    const std::string dumped = DumpJson(strict);
    Promise(DumpJson(ParseJson(dumped, "dump")) == dumped, "JSON survives writing and reading");
    Promise(dumped.find('\n') == std::string::npos, "JSON is written as one line");
  }
  try {
    const Json lenient = ParseJson(text, "input", true);
    if (is_strict) Promise(lenient == strict, "NaN as a number changes nothing else");
    (void)ParseJson(DumpJson(lenient), "dump");  // throws where it is not JSON
  } catch (const Error&) {
    Promise(!is_strict, "what is JSON is JSON with NaN too");
  }
  return 0;
}
