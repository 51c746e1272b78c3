// SPDX-License-Identifier: Apache-2.0
// Which search suits a problem.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

struct MethodChoice {
  std::string_view method;  // as make_adaptive.h knows it
  std::string why;          // half a sentence: "gp: 100 configurations of 6 numbers: ..."
};

// The first that holds:
//   several objectives                                     tpe, or nsga2 from 1,000 configurations
//   a parameter that depends on others, or categories      tpe
//   up to 20 numbers, and up to 500 configurations or      gp
//   an unknown number
//   else                                                   cmaes
[[nodiscard]] MethodChoice ChooseMethod(const SearchProblem& problem);

}  // namespace ddl
