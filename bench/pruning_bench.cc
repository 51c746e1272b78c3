// SPDX-License-Identifier: Apache-2.0
// Plays recorded learning curves back to pruners, in simulated time: no process is started. Says
// how many of the reports each pruner lets be made, and what the best trial that is left had at its
// end.
//   build/release/bench/pruning_bench bench/curves/fashion-mlp.json [AT_ONCE] [ORDERS]
// A file of curves: {"goal": "maximize", "curves": [[…], …]}, made by bench/record_curves.py.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/mix.h"
#include "scheduler/pruning/pruner.h"

namespace ddl {
namespace {

using Curves = std::vector<std::vector<double>>;  // lower is better

struct Played {
  std::int64_t reports = 0;
  double best = std::numeric_limits<double>::infinity();  // last value of a trial that was whole
};

// In that order, `at_once` at a time; every report takes as long as any other.
Played Play(const Curves& curves, const std::vector<std::size_t>& order, std::size_t at_once,
            Pruner* pruner) {
  struct Running {
    std::size_t trial = 0;
    std::size_t reports = 0;
  };
  Played played;
  std::deque<std::size_t> waiting(order.begin(), order.end());
  std::vector<Running> running;
  while (!waiting.empty() || !running.empty()) {
    while (running.size() < at_once && !waiting.empty()) {
      running.push_back({waiting.front()});
      waiting.pop_front();
    }
    std::erase_if(running, [&](Running& own) {
      const std::vector<double>& curve = curves[own.trial];
      const double value = curve[own.reports++];
      ++played.reports;
      const auto number = static_cast<std::int64_t>(own.trial) + 1;
      const auto iteration = static_cast<std::int64_t>(own.reports);
      const bool stops = pruner != nullptr && pruner->Report({number, 0, iteration, value});
      if (own.reports == curve.size()) played.best = std::min(played.best, value);
      return stops || own.reports == curve.size();
    });
  }
  return played;
}

std::vector<std::size_t> OrderOf(std::size_t trials, std::uint64_t seed) {
  std::vector<std::size_t> order(trials);
  for (std::size_t i = 0; i < trials; ++i)
    order[i] = i;
  std::ranges::sort(order, {}, [seed](std::size_t i) { return Mix(Mix(seed + 1) + i); });
  return order;
}

double MedianOf(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

int Run(const std::string& path, std::size_t at_once, std::uint64_t orders) {
  std::ifstream stream(path);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.empty())
    throw Error("cannot read the curves", path, "make them: bench/record_curves.py");
  const Json file = ParseJson(text, path);
  auto curves = file.at("curves").get<Curves>();
  const double sign = file.at("goal") == "maximize" ? -1 : 1;
  for (auto& curve : curves)
    for (double& value : curve)
      value *= sign;
  const auto whole = static_cast<std::int64_t>(curves.front().size());
  const std::vector<std::pair<std::string, EarlyTerminate>> rules{
      {"asha", {.type = PrunerType::kAsha}},
      {"asha, eta 2", {.type = PrunerType::kAsha, .eta = 2}},
      {"asha, eta 4", {.type = PrunerType::kAsha, .eta = 4}},
      {"hyperband, min_iter 1", {.type = PrunerType::kHyperband}},
      {"hyperband, min_iter 3, strict",
       {.type = PrunerType::kHyperband, .min_iter = 3, .strict = true}},
      {"median", {.type = PrunerType::kMedian}},
      {"percentile 25", {.type = PrunerType::kPercentile, .percentile = 25}},
      {"patience 3", {.type = PrunerType::kPatience}},
  };
  const Played all = Play(curves, OrderOf(curves.size(), 0), at_once, nullptr);
  fmt::print("{} trials of {} reports, {} at once, {} orders; the best of all had {:.4f}\n",
             curves.size(), whole, at_once, orders, all.best * sign);
  fmt::print(
      "| pruner | reports made, median (most) | best found, median (worst) |\n|---|---|---|\n");
  for (const auto& [name, rule] : rules) {
    std::vector<double> shares;
    std::vector<double> found;
    for (std::uint64_t seed = 0; seed < orders; ++seed) {
      const auto pruner = MakePruner(rule, 1, whole);
      const Played played = Play(curves, OrderOf(curves.size(), seed), at_once, pruner.get());
      shares.push_back(100 * static_cast<double>(played.reports) /
                       static_cast<double>(all.reports));
      found.push_back(played.best);
    }
    fmt::print("| {} | {:.1f} % ({:.1f} %) | {:.4f} ({:.4f}) |\n", name, MedianOf(shares),
               *std::ranges::max_element(shares), MedianOf(found) * sign,
               *std::ranges::max_element(found) * sign);
  }
  return 0;
}

}  // namespace
}  // namespace ddl

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw ddl::Error("no file of curves", "", "pruning_bench CURVES.json");
    return ddl::Run(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 4,
                    argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 20);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
