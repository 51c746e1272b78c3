// SPDX-License-Identifier: Apache-2.0
// Where the values of secrets come from: a variable of the user's environment, else a file of the
// same name in the folder `ddl/secrets` of the user's configuration ($XDG_CONFIG_HOME, else
// ~/.config), which only its owner may read.
#pragma once

#include <string>

#include "configs/spec.h"

namespace ddl {

// All that the spec names. Throws Error, placed in `spec_file`, when one is not there or others can
// read it. The text of the file without its last end of line.
[[nodiscard]] SecretValues FindSecrets(const SweepSpec& spec, const std::string& spec_file);

}  // namespace ddl
