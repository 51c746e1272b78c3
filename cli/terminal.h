// SPDX-License-Identifier: Apache-2.0
// The door to the terminal: what can be shown, and where lines go.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace ddl {

struct Terminal {
  bool is_terminal = false;  // stdout is one, and can move its cursor
  bool color = false;        // a terminal, and NO_COLOR is not set
  int width = 80;            // columns; 80 outside a terminal
  int height = 24;
  bool utf8 = true;  // the locale can show block characters
};

// What DetectTerminal sees of the outside.
struct TerminalFacts {
  bool is_tty = false;
  int columns = 0;  // of the window; 0: not known
  int rows = 0;
  std::function<std::string(const char* name)> variable;  // of the environment; "" when not set
};

// Reads isatty, NO_COLOR, TERM, COLUMNS and the window size.
[[nodiscard]] Terminal DetectTerminal();
[[nodiscard]] Terminal TerminalFrom(const TerminalFacts& facts);

// Columns that a UTF-8 text takes; escape sequences take none.
[[nodiscard]] int DisplayWidth(std::string_view text);
// At most `columns` wide, ending in `mark` ("…") when cut. Escape sequences are kept whole.
[[nodiscard]] std::string Fit(std::string_view text, int columns, std::string_view mark = "…");
// What shows there that a text was cut: "…", or "~" without UTF-8.
[[nodiscard]] std::string_view CutMark(const Terminal& terminal);
// Control characters and escape sequences of foreign text made visible, so that a log cannot
// drive the user's terminal. Keeps line ends and tabs; a lone carriage return becomes a line end.
[[nodiscard]] std::string Harmless(std::string_view text);
// Harmless, and on one line.
[[nodiscard]] std::string OneLine(std::string_view text);

enum class Style : std::uint8_t { kPlain, kBold, kDim, kGood, kBad, kWarning };

// The text in a style, or as it is on a terminal without color.
[[nodiscard]] std::string Painted(std::string_view text, Style style, const Terminal& terminal);

// `left` filled with spaces up to `columns`, or `right` moved there.
[[nodiscard]] std::string PadRight(std::string_view left, int columns);
[[nodiscard]] std::string PadLeft(std::string_view right, int columns);

}  // namespace ddl
