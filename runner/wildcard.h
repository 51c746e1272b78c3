// SPDX-License-Identifier: Apache-2.0
// Wildcards as .gitignore files use them.
#pragma once

#include <string_view>

namespace ddl {

// `*` and `?` match no slash; `**` between slashes or at an end matches any number of folders;
// `[a-z]`, `[!a-z]`, `[[:alpha:]]` and `\x` are as in a shell. Takes at most pattern × text steps.
[[nodiscard]] bool MatchesWildcard(std::string_view pattern, std::string_view text);

}  // namespace ddl
