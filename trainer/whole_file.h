// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ddl {

// Throws Error naming the path when it cannot be read or is no file.
[[nodiscard]] std::string ReadWholeFile(const std::string& path);

}  // namespace ddl
