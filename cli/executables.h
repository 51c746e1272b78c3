// SPDX-License-Identifier: Apache-2.0
// The executables of ddl lie side by side.
#pragma once

#include <string>

namespace ddl {

// A regular file that this user may execute.
[[nodiscard]] bool IsExecutableFile(const std::string& path);

// Where `name` lies or would lie. A trainer that is missing hurts only those who use it.
[[nodiscard]] std::string SiblingPath(const std::string& name);
// The path of `name` in the folder of this executable. Throws Error when it is not there.
[[nodiscard]] std::string SiblingExecutable(const std::string& name);

}  // namespace ddl
