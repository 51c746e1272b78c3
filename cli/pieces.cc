// SPDX-License-Identifier: Apache-2.0
#include "cli/pieces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ddl {

Lines WrapPieces(std::span<const std::string> pieces, std::string_view separator, int indent,
                 const Terminal& terminal) {
  Lines lines;
  for (const std::string& piece : pieces) {
    if (!lines.empty()) {
      const std::string longer = lines.back() + std::string(separator) + piece;
      if (!terminal.is_terminal || DisplayWidth(longer) <= terminal.width) {
        lines.back() = longer;
        continue;
      }
    }
    const std::string begin(lines.empty() ? 0U : static_cast<std::size_t>(indent), ' ');
    const int room = terminal.is_terminal ? terminal.width : DisplayWidth(begin + piece);
    lines.push_back(Fit(begin + piece, room, CutMark(terminal)));
  }
  return lines;
}

Lines WordsOf(std::string_view text) {
  Lines words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void AppendSection(Lines& lines, std::string_view title, Lines more, const Terminal& terminal) {
  if (more.empty()) return;
  lines.emplace_back();
  if (!title.empty()) lines.push_back(Painted(title, Style::kBold, terminal));
  std::ranges::move(more, std::back_inserter(lines));
}

std::string_view Dot(const Terminal& terminal) {
  return terminal.utf8 ? " · " : ", ";
}

}  // namespace ddl
