// SPDX-License-Identifier: Apache-2.0
// Terminals of a given size for golden texts.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace ddl::test {

inline Terminal Plain(int width, int height = 24) {
  return {.is_terminal = true, .color = false, .width = width, .height = height, .utf8 = true};
}

inline Terminal Colored(int width) {
  return {.is_terminal = true, .color = true, .width = width, .height = 24, .utf8 = true};
}

inline Terminal Ascii(int width) {
  return {.is_terminal = true, .color = false, .width = width, .height = 24, .utf8 = false};
}

inline Terminal Pipe() {
  return {.is_terminal = false, .color = false, .width = 80, .height = 24, .utf8 = true};
}

// With a line end before the first line too, so that a golden text begins below its R"(.
inline std::string Joined(const std::vector<std::string>& lines) {
  std::string text = "\n";
  for (const std::string& line : lines)
    text += line + "\n";
  return text;
}

inline int Widest(const std::vector<std::string>& lines) {
  int widest = 0;
  for (const std::string& line : lines)
    widest = std::max(widest, DisplayWidth(line));
  return widest;
}

}  // namespace ddl::test
