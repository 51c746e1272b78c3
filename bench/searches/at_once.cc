// SPDX-License-Identifier: Apache-2.0
#include "bench/searches/at_once.h"

#include <algorithm>
#include <limits>

#include "bench/searches/campaign.h"
#include "bench/searches/summary.h"
#include <fmt/format.h>

#include "configs/json.h"

namespace ddl::bench {

namespace {

// Of the best so far less the optimum, after 1, 2, …, `evaluations`; where a problem has fewer
// points, the last stays.
std::vector<double> MediansSoFar(const std::vector<Problem>& problems, const Campaign& campaign) {
  const auto count = static_cast<std::size_t>(campaign.evaluations);
  std::vector<std::vector<double>> reached(count);
  for (std::size_t i = 0; i < problems.size(); ++i) {
    Campaign of_seed = campaign;
    of_seed.seed += i;
    const auto told = Evaluate(problems[i], of_seed);
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < count; ++n) {
      if (n < told.size()) best = std::min(best, told[n].front());
      reached[n].push_back(best - problems[i].optimum);
    }
  }
  std::vector<double> medians;
  for (std::vector<double>& values : reached)
    medians.push_back(MedianOf(std::move(values)));
  return medians;
}

}  // namespace

AtOnceCost CompareAtOnce(const NamedProblem& named, AtOnceCost asked, std::uint64_t first_seed,
                         std::uint64_t last_seed) {
  std::vector<Problem> problems;
  for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed)
    problems.push_back(named.make(seed));
  asked.problem = named.name;
  asked.median = MediansSoFar(problems, {asked.method, first_seed, asked.evaluations, 1}).back();
  const std::vector<double> medians =
      MediansSoFar(problems, {asked.method, first_seed, 2 * asked.evaluations, asked.at_once});
  const auto as_low =
      std::ranges::find_if(medians, [&](double median) { return median <= asked.median; });
  asked.needed = as_low == medians.end() ? 0 : as_low - medians.begin() + 1;
  return asked;
}

std::string AtOnceTable(const std::vector<AtOnceCost>& costs) {
  std::string text = fmt::format("{:<20} {:<8} {:>11} {:>10} {:>7} {:>7} {:>6}\n", "function",
                                 "method", "evaluations", "median", "at once", "needed", "ratio");
  for (const AtOnceCost& c : costs) {
    const std::string needed =
        c.needed > 0 ? std::to_string(c.needed) : fmt::format("> {}", 2 * c.evaluations);
    const std::string ratio = c.needed > 0
                                  ? fmt::format("{:.2f}", static_cast<double>(c.needed) /
                                                              static_cast<double>(c.evaluations))
                                  : "> 2";
    text += fmt::format("{:<20} {:<8} {:>11} {:>10.3g} {:>7} {:>7} {:>6}\n", c.problem, c.method,
                        c.evaluations, c.median, c.at_once, needed, ratio);
  }
  return text;
}

std::string AtOnceJson(const std::vector<AtOnceCost>& costs) {
  Json rows = Json::array();
  for (const AtOnceCost& c : costs) {
    rows.push_back({{"function", c.problem},
                    {"method", c.method},
                    {"evaluations", c.evaluations},
                    {"median", c.median},
                    {"at_once", c.at_once},
                    {"needed", c.needed > 0 ? Json(c.needed) : Json(nullptr)}});
  }
  return DumpJson({{"benchmark", "search at once"}, {"rows", rows}});
}

}  // namespace ddl::bench
