// SPDX-License-Identifier: Apache-2.0
// `initial_points:` of a spec.
#pragma once

#include <vector>

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// [{x: 1, optimizer.lr: 0.1}, {optimizer: {lr: 0.2}}]: by dotted names, each value one that its
// parameter can have.
[[nodiscard]] std::vector<Json> ReadInitialPoints(const SpecNode& node, const Space& space,
                                                  SpecErrors& errors);

// Each can be completed to a configuration that is allowed. Stops at the first that cannot.
void CheckInitialPoints(const SpecNode& node, const SweepSpec& spec, SpecErrors& errors);

}  // namespace ddl
