// SPDX-License-Identifier: Apache-2.0
// `parameters:` of a spec into a Space, with W&B's rules for what is left out.
#pragma once

#include "configs/space.h"
#include "configs/spec.h"
#include "configs/spec_errors.h"

namespace ddl {

[[nodiscard]] Space ReadParameters(const SpecNode& node, SpecErrors& errors);

// Grids take constants and lists alone.
void CheckGrid(const SpecNode& parameters, const Space& space, SpecErrors& errors);

}  // namespace ddl
