// SPDX-License-Identifier: Apache-2.0
// What a result was made with: git commit and diff of the code, this ddl, the command line.
#pragma once

#include <string>

namespace ddl {

// JSON text. A folder without git, or without a commit, has none of the git keys. A diff above
// 1 MiB is left out and its size said.
[[nodiscard]] std::string ProvenanceJson(const std::string& workdir);

}  // namespace ddl
