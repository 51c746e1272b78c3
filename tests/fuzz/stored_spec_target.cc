// SPDX-License-Identifier: Apache-2.0
// A spec as the store or the socket brings it: refused by Error, or written again as text that
// reads back to the same.
#include "configs/error.h"
#include "configs/spec.h"
#include "configs/spec_difference.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  try {
    const SweepSpec spec = SpecFromJson(ParseJson(AsText(bytes, size), "input"));
    const std::string text = DumpJson(ResolvedSpec(spec));
    const SweepSpec again = SpecFromJson(ParseJson(text, "resolved"));
    Promise(DumpJson(ResolvedSpec(again)) == text, "a stored spec reads back to the same");
    Promise(DifferenceOf(spec, again).text.empty(), "a spec does not differ from itself");
  } catch (const Error&) {
  }
  return 0;
}
