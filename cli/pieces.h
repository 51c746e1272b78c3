// SPDX-License-Identifier: Apache-2.0
// Short pieces of text put into lines: broken between pieces, never within one that fits.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace ddl {

// The pieces with `separator` between those on one line; further lines begin with `indent` spaces.
// One line outside a terminal. A piece wider than a line is cut.
[[nodiscard]] std::vector<std::string> WrapPieces(std::span<const std::string> pieces,
                                                  std::string_view separator, int indent,
                                                  const Terminal& terminal);

// " · ", or ", " without UTF-8.
[[nodiscard]] std::string_view Dot(const Terminal& terminal);

}  // namespace ddl
