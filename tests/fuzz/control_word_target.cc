// SPDX-License-Identifier: Apache-2.0
// A line that a client sends to a coordinator: refused by Error, or a word that is written as a
// line which reads to the same.
#include "configs/error.h"
#include "scheduler/control_words.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  try {
    const std::string line = EncodeWord(DecodeWord(std::string(AsText(bytes, size))));
    Promise(line.find('\n') == std::string::npos, "a word is one line");
    Promise(EncodeWord(DecodeWord(line)) == line, "a word reads back to the same");
  } catch (const Error&) {
  }
  return 0;
}
