// SPDX-License-Identifier: Apache-2.0
// "KEY=VALUE" words of the command line, put into a spec before it is read.
#pragma once

#include <string>

#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// Where KEY begins with a key of the spec (run_cap, metric.target, …) VALUE replaces it, but for
// keys without meaning here that a parameter of the spec has for a name. Otherwise KEY is a
// parameter and VALUE its values, split at commas outside brackets and quotes: one is a constant,
// several are a list; its `when` stays. A new name is a new parameter, unless it is nearly the name
// of another key.
void ApplyOverride(const std::string& text, SpecNode& root, SpecErrors& errors);

}  // namespace ddl
