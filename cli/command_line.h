// SPDX-License-Identifier: Apache-2.0
// The door to CLI11: words in, one command called.
#pragma once

namespace ddl {

// Returns the exit code. Throws Error for what the command throws.
[[nodiscard]] int RunCommandLine(int argc, char** argv);

// Whether errors are to be printed as JSON; looks at the words alone, so that it works for words
// that cannot be parsed too.
[[nodiscard]] bool WantsJson(int argc, char** argv);

}  // namespace ddl
