// SPDX-License-Identifier: Apache-2.0
// The text of an expression into nodes; configs/expression.cc alone calls it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/expression.h"

namespace ddl {

struct ParsedExpression {
  std::vector<ExpressionNode> nodes;
  std::vector<std::string> names;
  std::vector<std::size_t> places;
};

// Throws ExpressionFault.
[[nodiscard]] ParsedExpression ParseExpression(std::string_view text);

}  // namespace ddl
