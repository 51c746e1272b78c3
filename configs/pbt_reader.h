// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// `search` of `method: pbt`, which may be left away, and what that method needs of the rest of the
// spec, which is complete but for `pbt` and `run_cap`: these are set here. `root` is the whole
// spec; it has a method.
void CompletePbt(const SpecNode& root, SweepSpec& spec, SpecErrors& errors);

}  // namespace ddl
