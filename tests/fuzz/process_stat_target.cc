// SPDX-License-Identifier: Apache-2.0
// Any text as /proc/PID/stat, and any text as a process's name within one: a name can not change
// the fields after it.
#include "runner/process.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  (void)ParseProcessStat(text);
  // The kernel gives at most 15 bytes, and any but NUL.
  std::string line = "42 (";
  line += text.substr(0, std::min<std::size_t>(15, text.find('\0')));
  line += ") S 1 42 43 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 1234 56 18446744073709551615 1\n";
  const std::optional<ProcessStat> stat = ParseProcessStat(line);
  Promise(stat && stat->pid == 42 && stat->parent == 1 && stat->session == 43 &&
              stat->state == 'S' && stat->start_ticks == 987 && stat->resident_pages == 56,
          "a name does not change a process");
  return 0;
}
