// SPDX-License-Identifier: Apache-2.0
// Searches on small functions, as a sweep would drive them.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "configs/sampling.h"
#include "configs/spec_reader.h"
#include "scheduler/search/adaptive_search.h"

namespace ddl {

using Loss = std::function<double(const Configuration&)>;
using SearchMaker = std::function<std::unique_ptr<AdaptiveSearch>(SearchProblem)>;

inline Space SpaceFrom(const std::string& parameters) {
  const std::string text = "command: [train]\nmethod: random\nrun_cap: 9\nparameters:" + parameters;
  return ReadSpec(text, {"spec.yaml", ".", {}}).spec.space;
}

// x0, x1, … in [0, 1].
inline Space UnitCube(std::size_t dimensions) {
  Space space(dimensions);
  for (std::size_t i = 0; i < dimensions; ++i) {
    space[i].path = {"x" + std::to_string(i)};
    space[i].distribution = Distribution::kUniform;
  }
  return space;
}

inline double At(const Configuration& configuration, std::size_t i) {
  return configuration.at("x" + std::to_string(i)).get<double>();
}

inline Outcome Finished(double value) {
  return {.kind = Outcome::Kind::kFinished, .values = {value}};
}

// Takes and tells one point after the other; what was tried.
inline std::vector<Configuration> RunOneByOne(AdaptiveSearch& search, const Loss& loss,
                                              std::int64_t evaluations, std::int64_t first = 0) {
  std::vector<Configuration> tried;
  for (std::int64_t number = first; number < first + evaluations; ++number) {
    const auto proposed = search.Propose(number);
    if (!proposed) break;
    search.Take(number, *proposed);
    search.Tell(number, Finished(loss(*proposed)));
    tried.push_back(*proposed);
  }
  return tried;
}

inline double LeastLoss(const std::vector<Configuration>& tried, const Loss& loss) {
  double least = std::numeric_limits<double>::infinity();
  for (const Configuration& configuration : tried)
    least = std::min(least, loss(configuration));
  return least;
}

// Of the best found, over so many seeds.
inline double MedianLeastLoss(const SearchMaker& make, const Space& space, const Loss& loss,
                              std::int64_t evaluations, std::uint64_t seeds) {
  std::vector<double> least;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto search = make({.space = space, .seed = seed, .budget = evaluations});
    least.push_back(LeastLoss(RunOneByOne(*search, loss, evaluations), loss));
  }
  std::ranges::sort(least);
  return least[least.size() / 2];
}

inline double MedianLeastOfRandom(const Space& space, const Loss& loss, std::int64_t evaluations,
                                  std::uint64_t seeds) {
  std::vector<double> least;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    std::vector<Configuration> tried;
    for (std::int64_t i = 0; i < evaluations; ++i)
      tried.push_back(SamplePoint(space, seed, i));
    least.push_back(LeastLoss(tried, loss));
  }
  std::ranges::sort(least);
  return least[least.size() / 2];
}

}  // namespace ddl
