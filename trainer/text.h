// SPDX-License-Identifier: Apache-2.0
// A text as a sequence of tokens, one a character (byte), for models that guess the next one.
#pragma once

#include <string>

#include "trainer/dataset_memory.h"

namespace ddl {

// The tokens of a text are the bytes that occur in its training part, in their order; there are at
// least two. Throws Error for texts of more than 4 GiB together, and naming file and byte for a
// test text with a byte that the training text lacks. `test_path` may be empty. Records are of one
// token yet.
[[nodiscard]] ReadData ReadText(const std::string& train_path, const std::string& test_path);

// Of a text: each record has so many tokens. Throws Error naming `where` for a text that is
// shorter.
void CutIntoContexts(Dataset& text, std::size_t context, const std::string& where);

}  // namespace ddl
