// SPDX-License-Identifier: Apache-2.0
// Short pieces of text put into lines, and lines into sections of a page.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

using Lines = std::vector<std::string>;

// The pieces with `separator` between those on one line; further lines begin with `indent` spaces.
// One line outside a terminal. A piece wider than a line is cut.
[[nodiscard]] Lines WrapPieces(std::span<const std::string> pieces, std::string_view separator,
                               int indent, const Terminal& terminal);

// For WrapPieces: a text that may be broken between any two words.
[[nodiscard]] Lines WordsOf(std::string_view text);

// An empty line, the title in bold unless it is empty, and `more`; nothing where `more` is empty.
void AppendSection(Lines& lines, std::string_view title, Lines more, const Terminal& terminal);

// " · ", or ", " without UTF-8.
[[nodiscard]] std::string_view Dot(const Terminal& terminal);

}  // namespace ddl
