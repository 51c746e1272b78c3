// SPDX-License-Identifier: Apache-2.0
// Which search suits a problem.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/search/adaptive_search.h"

namespace ddl {

struct MethodChoice {
  std::string_view method;  // as make_adaptive.h knows it
  std::string why;          // "100 configurations of 6 ordered parameters: ..."
};

// The first that holds:
//   several objectives, at least 1,000 configurations        nsga2
//   several objectives                                       tpe
//   a parameter that is there at times only                  tpe
//   half of the parameters or more without an order          tpe
//   up to 20 parameters and 500 configurations, or unknown   gp
//   some parameter without an order                          tpe
//   else                                                     cmaes
[[nodiscard]] MethodChoice ChooseMethod(const SearchProblem& problem);

}  // namespace ddl
