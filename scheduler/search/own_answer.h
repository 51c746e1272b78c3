// SPDX-License-Identifier: Apache-2.0
// What a program that searches is told of a space, and whether a configuration that it answers is
// one. Plain values; no process is involved.
#pragma once

#include <string>
#include <vector>

#include "configs/conditions.h"
#include "configs/json.h"
#include "configs/space.h"

namespace ddl {

// One object a parameter, as docs/search.md lists them.
[[nodiscard]] Json DescribeSpace(const Space& space);

// The complete configuration (configs/conditions.h) that `answer` means: constants and what follows
// from others may be left out, what is not active there is dropped. Throws Error that says what is
// wrong with it.
[[nodiscard]] Configuration CheckedConfiguration(const Space& space, const Conditions& conditions,
                                                 const std::vector<std::string>& constraints,
                                                 const Json& answer);

}  // namespace ddl
