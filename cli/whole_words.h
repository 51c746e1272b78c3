// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace ddl {

// The parser of options takes a word in brackets for a list wherever several words may stand: it
// would make "a" and "b" of "[a,b]", and nothing of "[]". Words that begin so are marked before it
// sees them; what it hands on is to be unmarked.
[[nodiscard]] std::vector<std::string> WithBracketsMarked(std::vector<std::string> words);

// The word as it was given.
[[nodiscard]] std::string Unmarked(std::string word);

}  // namespace ddl
