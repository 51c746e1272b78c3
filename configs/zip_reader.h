// SPDX-License-Identifier: Apache-2.0
// `zip:` of a spec: lists of values that run together.
#pragma once

#include <string>
#include <vector>

#include "configs/space.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// [[a, b], [c, d, e]] into Parameter::zipped_to.
void ReadZip(const SpecNode& node, Space& space, SpecErrors& errors);

// A grid has each value of a list once, and of lists that are zipped each row. A note for each.
void CollapseRepeatedValues(Space& space, std::vector<std::string>& notes);

}  // namespace ddl
