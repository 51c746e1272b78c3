// SPDX-License-Identifier: Apache-2.0
// Completion scripts for shells, made from the table of commands.
#pragma once

#include <string>
#include <string_view>

namespace ddl {

// `shell` is bash, zsh or fish; throws Error for another. Names of sweeps are asked from
// `ddl status --names` when they are completed.
[[nodiscard]] std::string CompletionScript(std::string_view shell);

}  // namespace ddl
