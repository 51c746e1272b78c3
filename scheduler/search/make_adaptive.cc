// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/make_adaptive.h"

#include <utility>

#include "scheduler/search/cmaes.h"
#include "scheduler/search/gp.h"
#include "scheduler/search/nsga2.h"
#include "scheduler/search/tpe.h"

namespace ddl {

std::unique_ptr<AdaptiveSearch> MakeAdaptiveSearch(std::string_view method, SearchProblem problem) {
  if (method == "tpe") return MakeTpe(std::move(problem));
  if (method == "gp") return MakeGp(std::move(problem));
  if (method == "cmaes") return MakeCmaes(std::move(problem));
  if (method == "nsga2") return MakeNsga2(std::move(problem));
  return nullptr;
}

}  // namespace ddl
