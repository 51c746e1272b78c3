// SPDX-License-Identifier: Apache-2.0
// Any lines of a .gitignore, then after a line "\x01" paths, a line each; one that ends with a
// slash is a folder. Each is judged in a moment; a rule for everything has the last word.
#include <ctime>

#include "runner/ignore_rules.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  std::string_view paths = AsText(bytes, size);
  const std::size_t end = std::min(paths.find("\n\x01\n"), paths.size());
  const std::string text(TakePiece(paths, end));
  (void)TakePiece(paths, 3);
  const IgnoreRules rules(text, "");
  const IgnoreRules all(text + "\n**\n", "");
  const IgnoreRules none(text + "\n!**\n", "");
  const clock_t begin = std::clock();
  for (int i = 0; i < 16 && !paths.empty(); ++i) {
    std::string path(TakePiece(paths, std::min(paths.find('\n'), paths.size())));
    (void)TakeByte(paths);
    const bool is_folder = path.ends_with('/');
    while (path.ends_with('/'))
      path.pop_back();
    if (path.empty() || path.starts_with('/') || path.find("//") != std::string::npos) continue;
    const auto judged = rules.IsIgnored(path, is_folder);
    Promise(judged == IsIgnored({rules}, path, is_folder), "one file's word is that of the list");
    Promise(all.IsIgnored(path, is_folder) == true, "the last line counts: ** names everything");
    Promise(none.IsIgnored(path, is_folder) == false, "the last line counts: !** brings it back");
  }
  constexpr clock_t kMost = 2 * CLOCKS_PER_SEC;
  Promise(std::clock() - begin < kMost, "paths are judged in a moment");
  return 0;
}
