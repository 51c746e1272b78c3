// SPDX-License-Identifier: Apache-2.0
// A text as a sequence of tokens, one a character (byte), for models that guess the next one.
#pragma once

#include <string>

#include "trainer/dataset_memory.h"

namespace ddl {

// The tokens of a text are the bytes that occur in its training part, in their order; there are at
// least two. Throws Error naming file and byte for a text that is too short or a test text with a
// byte that the training text lacks. `test_path` may be empty.
[[nodiscard]] ReadData ReadText(const std::string& train_path, const std::string& test_path,
                                std::size_t context);

}  // namespace ddl
