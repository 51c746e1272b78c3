// SPDX-License-Identifier: Apache-2.0
// UTF-8 text one character at a time, and how many columns a character takes.
#pragma once

#include <cstddef>
#include <string_view>

namespace ddl {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = true;  // false: one byte that is no UTF-8; `code` is that byte
};

// The character that begins at `at`, which is within the text. Overlong forms, surrogates and codes
// beyond U+10FFFF are not valid.
[[nodiscard]] Character CharacterAt(std::string_view text, std::size_t at);

// Columns in a terminal: 0 for combining marks, 2 for East Asian wide characters and emoji, else 1.
[[nodiscard]] int ColumnsOf(char32_t code);

}  // namespace ddl
