// SPDX-License-Identifier: Apache-2.0
#include "bench/searches/at_once.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "bench/searches/campaign.h"
#include "bench/searches/summary.h"
#include <fmt/format.h>

#include "configs/json.h"

namespace ddl::bench {

namespace {

// Of each seed the best so far less the optimum, after 1, 2, …, `evaluations`; where a problem has
// fewer points, the last stays.
std::vector<std::vector<double>> BestSoFar(const std::vector<Problem>& problems,
                                           const Campaign& campaign) {
  std::vector<std::vector<double>> reached;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    Campaign of_seed = campaign;
    of_seed.seed += i;
    const auto told = Evaluate(problems[i], of_seed);
    double best = std::numeric_limits<double>::infinity();
    std::vector<double>& of_problem = reached.emplace_back();
    for (std::size_t n = 0; n < static_cast<std::size_t>(campaign.evaluations); ++n) {
      if (n < told.size()) best = std::min(best, told[n].front());
      of_problem.push_back(best - problems[i].optimum);
    }
  }
  return reached;
}

double MedianAfter(const std::vector<std::vector<double>>& reached, std::size_t evaluations,
                   const Indices& seeds) {
  std::vector<double> values;
  values.reserve(seeds.size());
  for (const std::size_t seed : seeds)
    values.push_back(reached[seed][evaluations - 1]);
  return MedianOf(std::move(values));
}

// The first number of evaluations after which the median of several at once is as low as `wanted`;
// one more than all where none is. A median of bests never rises.
std::int64_t NeededFor(double wanted, const std::vector<std::vector<double>>& at_once,
                       const Indices& seeds) {
  std::size_t low = 1;
  std::size_t high = at_once.front().size() + 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (MedianAfter(at_once, middle, seeds) <= wanted) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return static_cast<std::int64_t>(low);
}

}  // namespace

AtOnceCost CompareAtOnce(const NamedProblem& named, AtOnceCost asked, std::uint64_t first_seed,
                         std::uint64_t last_seed) {
  std::vector<Problem> problems;
  for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed)
    problems.push_back(named.make(seed));
  asked.problem = named.name;
  const auto alone = BestSoFar(
      problems, {.method = asked.method, .seed = first_seed, .evaluations = asked.evaluations});
  const auto at_once = BestSoFar(problems, {.method = asked.method,
                                            .seed = first_seed,
                                            .evaluations = 2 * asked.evaluations,
                                            .at_once = asked.at_once,
                                            .in_rounds = asked.in_rounds});
  const auto evaluations = static_cast<std::size_t>(asked.evaluations);
  Indices seeds(problems.size());
  std::iota(seeds.begin(), seeds.end(), std::size_t{0});
  asked.median = MedianAfter(alone, evaluations, seeds);
  asked.needed = NeededFor(asked.median, at_once, seeds);
  const Interval interval = Bootstrap(seeds.size(), [&](const Indices& drawn) {
    return static_cast<double>(NeededFor(MedianAfter(alone, evaluations, drawn), at_once, drawn));
  });
  asked.low = static_cast<std::int64_t>(interval.low);
  asked.high = static_cast<std::int64_t>(interval.high);
  return asked;
}

std::string AtOnceTable(const std::vector<AtOnceCost>& costs) {
  std::string text =
      fmt::format("{:<20} {:<8} {:>11} {:>10} {:>7} {:>7} {:>12} {:>6}\n", "function", "method",
                  "evaluations", "median", "at once", "needed", "of 95 %", "ratio");
  for (const AtOnceCost& c : costs) {
    const std::int64_t most = 2 * c.evaluations;
    const auto number = [most](std::int64_t needed) {
      return needed > most ? fmt::format("> {}", most) : std::to_string(needed);
    };
    const double ratio = static_cast<double>(c.needed) / static_cast<double>(c.evaluations);
    text += fmt::format("{:<20} {:<8} {:>11} {:>10.3g} {:>7} {:>7} {:>12} {:>6}\n", c.problem,
                        c.method, c.evaluations, c.median, c.at_once, number(c.needed),
                        fmt::format("[{}, {}]", number(c.low), number(c.high)),
                        c.needed > most ? "> 2" : fmt::format("{:.2f}", ratio));
  }
  return text;
}

std::string AtOnceJson(const std::vector<AtOnceCost>& costs) {
  Json rows = Json::array();
  for (const AtOnceCost& c : costs) {
    const auto number = [&c](std::int64_t needed) {
      return needed > 2 * c.evaluations ? Json(nullptr) : Json(needed);
    };
    rows.push_back({{"function", c.problem},
                    {"method", c.method},
                    {"evaluations", c.evaluations},
                    {"median", c.median},
                    {"at_once", c.at_once},
                    {"in_rounds", c.in_rounds},
                    {"needed", number(c.needed)},
                    {"low", number(c.low)},
                    {"high", number(c.high)}});
  }
  return DumpJson({{"benchmark", "search at once"}, {"rows", rows}});
}

}  // namespace ddl::bench
