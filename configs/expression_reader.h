// SPDX-License-Identifier: Apache-2.0
// Expressions as they stand in a spec. `of` says in messages whose they are: `parameter "x": when`.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "configs/space.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// Its text; "" after an error. Names are not looked at.
[[nodiscard]] std::string ReadExpression(const SpecNode& node, std::string_view of,
                                         SpecErrors& errors);

// Parameters of a space by their names.
using ParameterNames = std::map<std::string, std::size_t, std::less<>>;
[[nodiscard]] ParameterNames NamesOf(const Space& space);

// What to do about a name that is none of them: the nearest one, or all of a few.
[[nodiscard]] std::string MeantName(std::string_view name, const ParameterNames& names);

// An error for each name in it that is no parameter. The expression was read before.
void CheckNames(const SpecNode& node, const std::string& expression, std::string_view of,
                const ParameterNames& names, SpecErrors& errors);

}  // namespace ddl
