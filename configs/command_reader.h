// SPDX-License-Identifier: Apache-2.0
// `command:` of a spec, and what a trial runs in all.
#pragma once

#include <string>
#include <vector>

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

[[nodiscard]] std::vector<std::string> ReadCommand(const SpecNode& node, SpecErrors& errors);

// The default command where there is a program alone, and errors for what cannot run. Trainer,
// program, command and secrets are read already; `root` is the whole spec.
void CompleteCommand(const SpecNode& root, SweepSpec& spec, SpecErrors& errors);

}  // namespace ddl
