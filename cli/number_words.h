// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace ddl {

// Words of a command line, the program's name first. What looks like a negative number is a value:
// the parser of options would take "-.5" and "-inf" for letters of options. They are written so
// that it does not. What follows "--", and what `ddl run` is to run, stays as it is.
[[nodiscard]] std::vector<std::string> WithNumbersAsValues(std::vector<std::string> words);

}  // namespace ddl
