// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/utf8.h"

namespace ddl {

namespace {

// Bytes of the escape sequence that begins at `at`; 0: none begins there.
std::size_t EscapeLength(std::string_view text, std::size_t at) {
  if (text[at] != '\x1b' || at + 1 >= text.size() || text[at + 1] != '[') return 0;
  std::size_t end = at + 2;
  while (end < text.size() && (text[end] < '@' || text[end] > '~')) {
    ++end;
  }
  return std::min(end + 1, text.size()) - at;
}

// A size from the environment wins over the window's: it is how tests and scripts ask for one.
int Size(const std::string& variable, int of_window, int otherwise) {
  int value = 0;
  const char* end = variable.data() + variable.size();
  const auto read = std::from_chars(variable.data(), end, value);
  if (read.ec == std::errc() && read.ptr == end && value > 0) return std::min(value, 10'000);
  return of_window > 0 ? of_window : otherwise;
}

// The first of LC_ALL, LC_CTYPE and LANG that is set decides. Bare containers set none: there the
// terminal's kind does.
bool CanShowUtf8(const TerminalFacts& facts) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string locale = facts.variable(name);
    if (locale.empty()) continue;
    std::ranges::transform(locale, locale.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return facts.variable("TERM") != "linux";
}

bool DrivesTerminal(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool reorders = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return control || reorders;
}

std::string Visible(const Character& character) {
  const char32_t code = character.code;
  if (!character.valid) return fmt::format("\\x{:02x}", static_cast<unsigned>(code));
  if (code < 0x20) return {'^', static_cast<char>(code + '@')};
  if (code == 0x7F) return "^?";
  return fmt::format("\\u{:04x}", static_cast<unsigned>(code));
}

}  // namespace

Terminal TerminalFrom(const TerminalFacts& facts) {
  Terminal terminal;
  const std::string kind = facts.variable("TERM");
  terminal.is_terminal = facts.is_tty && kind != "dumb";
  terminal.color = terminal.is_terminal && facts.variable("NO_COLOR").empty();
  terminal.width = Size(facts.variable("COLUMNS"), facts.columns, 80);
  terminal.height = Size(facts.variable("LINES"), facts.rows, 24);
  terminal.utf8 = CanShowUtf8(facts);
  return terminal;
}

Terminal DetectTerminal() {
  TerminalFacts facts;
  facts.is_tty = isatty(STDOUT_FILENO) == 1;
  winsize window{};
  if (facts.is_tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0) {
    facts.columns = window.ws_col;
    facts.rows = window.ws_row;
  }
  facts.variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  return TerminalFrom(facts);
}

int DisplayWidth(std::string_view text) {
  int columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t escape = EscapeLength(text, at); escape > 0) {
      at += escape;
      continue;
    }
    const Character character = CharacterAt(text, at);
    columns += character.valid ? ColumnsOf(character.code) : 1;
    at += character.bytes;
  }
  return columns;
}

std::string Fit(std::string_view text, int columns, std::string_view mark) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  const int room = columns - DisplayWidth(mark);
  if (room < 0) return {};
  std::string fitted;
  int used = 0;
  bool painted = false;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t escape = EscapeLength(text, at); escape > 0) {
      fitted += text.substr(at, escape);
      at += escape;
      painted = true;
      continue;
    }
    const Character character = CharacterAt(text, at);
    used += character.valid ? ColumnsOf(character.code) : 1;
    if (used > room) break;
    fitted += text.substr(at, character.bytes);
    at += character.bytes;
  }
  fitted += mark;
  if (painted) fitted += "\x1b[0m";
  return fitted;
}

std::string_view CutMark(const Terminal& terminal) {
  return terminal.utf8 ? "…" : "~";
}

std::string Harmless(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    const char32_t code = character.code;
    if (code == '\r') {
      const bool line_end = at + 1 < text.size() && text[at + 1] == '\n';
      if (!line_end) shown += '\n';
    } else if (code == '\n' || code == '\t' || (character.valid && !DrivesTerminal(code))) {
      shown += text.substr(at, character.bytes);
    } else {
      shown += Visible(character);
    }
    at += character.bytes;
  }
  return shown;
}

std::string OneLine(std::string_view text) {
  std::string line = Harmless(text);
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  return line;
}

std::string Painted(std::string_view text, Style style, const Terminal& terminal) {
  if (!terminal.color || style == Style::kPlain || text.empty()) return std::string(text);
  const char* code = style == Style::kBold   ? "1"
                     : style == Style::kDim  ? "2"
                     : style == Style::kGood ? "32"
                     : style == Style::kBad  ? "31"
                                             : "33";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string PadRight(std::string_view left, int columns) {
  const int missing = std::max(0, columns - DisplayWidth(left));
  return std::string(left) + std::string(static_cast<std::size_t>(missing), ' ');
}

std::string PadLeft(std::string_view right, int columns) {
  const int missing = std::max(0, columns - DisplayWidth(right));
  return std::string(static_cast<std::size_t>(missing), ' ') + std::string(right);
}

}  // namespace ddl
