// SPDX-License-Identifier: Apache-2.0
// The keys of a spec that make up its space: parameters, constraints, zip, initial_points.
#pragma once

#include <string>
#include <vector>

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// nullptr: the spec has it not.
struct SpaceKeys {
  const SpecNode* parameters = nullptr;
  const SpecNode* constraints = nullptr;
  const SpecNode* zip = nullptr;
  const SpecNode* initial_points = nullptr;
};

// Into the spec, whose method, seeds, run_cap and search_seed are read already; `has_method`: the
// method is one of them. What can be told only of a space that is right so far is left aside after
// an error.
void ReadSpace(const SpaceKeys& keys, bool has_method, SweepSpec& spec, SpecErrors& errors,
               std::vector<std::string>& notes);

}  // namespace ddl
