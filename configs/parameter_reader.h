// SPDX-License-Identifier: Apache-2.0
// `parameters:` of a spec into a Space, with W&B's rules for what is left out.
#pragma once

#include <vector>

#include "configs/space.h"
#include "configs/spec.h"
#include "configs/spec_errors.h"

namespace ddl {

// Where a parameter and its expressions stand; the nodes of the tree that was read.
struct ParameterNodes {
  const SpecNode* node = nullptr;
  std::vector<const SpecNode*> when{};  // of its groups, then its own; as Parameter::when
  const SpecNode* expr = nullptr;
};

struct SpaceReading {
  Space space;
  std::vector<ParameterNodes> nodes;  // one a parameter
};

// What can be told of each parameter alone: names in expressions are not looked at.
[[nodiscard]] SpaceReading ReadParameters(const SpecNode& node, SpecErrors& errors);

}  // namespace ddl
