// SPDX-License-Identifier: Apache-2.0
// Lines at the bottom of a terminal that are redrawn in place, with permanent lines scrolling away
// above them. What did not change is not written again, and one turn is one write. The cursor rests
// on the line below, visible: whatever kills the process leaves a usable terminal.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

class LiveScreen {
 public:
  // `fd` is a terminal and stays the caller's.
  explicit LiveScreen(int fd) : fd_(fd) {}

  // Shows these lines in place of those shown before. Each fits `terminal`, together they are fewer
  // than its height.
  void Draw(std::vector<std::string> lines, const Terminal& terminal);
  // A line that stays, above the live ones.
  void Print(std::string_view line);
  // Removes the live lines; what was printed stays.
  void Clear();

 private:
  void Write(std::string_view text) const;

  int fd_;
  int columns_ = 80;
  std::vector<std::string> shown_;
};

// The text that turns `shown`, drawn when the terminal had `columns_then`, into `wanted`. The
// cursor is at the begin of the line below before and after.
[[nodiscard]] std::string Repaint(std::span<const std::string> shown,
                                  std::span<const std::string> wanted, int columns_then,
                                  int columns_now);

}  // namespace ddl
