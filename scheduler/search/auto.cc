// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/auto.h"

#include <algorithm>
#include <cstdint>

#include "scheduler/search/domain.h"

namespace ddl {

namespace {

constexpr std::int64_t kManyForFronts = 1000;
constexpr std::int64_t kMostForGp = 500;
constexpr std::size_t kMostParametersForGp = 20;

std::string Counted(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

MethodChoice ChooseMethod(const SearchProblem& problem) {
  const Domain domain(problem.space);
  const std::vector<Dimension>& dimensions = domain.Dimensions();
  const auto unordered =
      static_cast<std::size_t>(std::ranges::count_if(dimensions, &Dimension::is_categorical));
  const bool is_conditional =
      std::ranges::any_of(problem.space, [](const Parameter& p) { return !p.when.empty(); });
  const std::string budget = problem.budget > 0
                                 ? Counted(problem.budget, "configuration", "configurations")
                                 : std::string("an unknown number of configurations");
  const std::string size =
      budget + " of " + Counted(std::ssize(dimensions), "parameter", "parameters");

  if (problem.objectives > 1) {
    const std::string goals = std::to_string(problem.objectives) + " objectives, " + budget;
    if (problem.budget >= kManyForFronts) {
      return {"nsga2", goals + ": enough for generations that spread along the front"};
    }
    return {"tpe", goals + ": too few for generations, so a model of good and bad ones"};
  }
  if (is_conditional) return {"tpe", "parameters depend on others: densities by group follow that"};
  if (2 * unordered >= dimensions.size() && unordered > 0) {
    return {"tpe", std::to_string(unordered) + " of " + std::to_string(dimensions.size()) +
                       " parameters have no order: counts learn categories fastest"};
  }
  if (dimensions.size() <= kMostParametersForGp && problem.budget <= kMostForGp) {
    return {"gp", size + ": few enough for a model of the whole surface"};
  }
  if (unordered > 0) return {"tpe", size + ", some without an order: too many for gp"};
  return {"cmaes", size + ", all ordered: enough for generations that learn the slopes"};
}

}  // namespace ddl
