// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/make_adaptive.h"

#include <utility>

#include "scheduler/search/nsga2.h"
#include "scheduler/search/tpe.h"

namespace ddl {

std::unique_ptr<AdaptiveSearch> MakeAdaptiveSearch(std::string_view method, SearchProblem problem) {
  if (method == "nsga2") return MakeNsga2(std::move(problem));
  if (method == "tpe") return MakeTpe(std::move(problem));
  return nullptr;
}

}  // namespace ddl
