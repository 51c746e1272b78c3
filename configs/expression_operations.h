// SPDX-License-Identifier: Apache-2.0
// What the operators and functions of expressions do with values; configs/expression.cc alone calls
// them. Whole numbers stay whole as long as 64 bits hold them, then they become real ones. Each
// returns the result, or says in `problem` why there is none.
#pragma once

#include <span>
#include <string>

#include "configs/expression.h"

namespace ddl {

// Of a list that an expression makes.
void CheckList(const Json& list, std::string& problem);
[[nodiscard]] Json Arithmetic(Operation operation, const Json& a, const Json& b,
                              std::string& problem);
[[nodiscard]] Json Negated(const Json& value, std::string& problem);
[[nodiscard]] bool Compare(Relation relation, const Json& a, const Json& b, std::string& problem);
[[nodiscard]] Json CallFunction(Function function, std::span<const Json> arguments,
                                std::string& problem);

}  // namespace ddl
