// SPDX-License-Identifier: Apache-2.0
// Plays recorded learning curves back to pruners, in simulated time: no process is started. Says
// how many of the reports each pruner lets be made, and what the best trial that is left had at its
// end; each once with promotion, as trials that leave with a checkpoint have it, and once without.
//   build/release/bench/pruning_bench bench/curves/fashion-mlp.json [AT_ONCE] [ORDERS]
// A file of curves: {"goal": "maximize", "curves": [[…], …]}, made by bench/record_curves.py.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
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
  std::int64_t stopped = 0;                               // once or more often
  std::int64_t promoted = 0;                              // times
  double best = std::numeric_limits<double>::infinity();  // last value of a trial that was whole
};

// In that order, `at_once` at a time; every report takes as long as any other. Who is promoted goes
// on where it was, before anybody new.
class Playback {
 public:
  Playback(const Curves& curves, const std::vector<std::size_t>& order, Pruner* pruner)
      : curves_(curves),
        pruner_(pruner),
        done_(curves.size()),
        waiting_(order.begin(), order.end()) {}

  Played Play(std::size_t at_once) {
    while (!promoted_.empty() || !waiting_.empty() || !running_.empty()) {
      while (running_.size() < at_once && !(promoted_.empty() && waiting_.empty())) {
        std::deque<std::size_t>& from = promoted_.empty() ? waiting_ : promoted_;
        running_.push_back(from.front());
        from.pop_front();
      }
      std::erase_if(running_, [this](std::size_t trial) { return Report(trial); });
    }
    return played_;
  }

 private:
  // True: it is whole, or stops.
  bool Report(std::size_t trial) {
    const std::vector<double>& curve = curves_[trial];
    const double value = curve[done_[trial]++];
    ++played_.reports;
    const bool is_whole = done_[trial] == curve.size();
    if (is_whole) played_.best = std::min(played_.best, value);
    if (pruner_ == nullptr) return is_whole;
    const auto number = static_cast<std::int64_t>(trial) + 1;
    const auto iteration = static_cast<std::int64_t>(done_[trial]);
    const bool stops = pruner_->Report({number, 0, iteration, value}) && !is_whole;
    played_.stopped += stops && stopped_.insert(number).second ? 1 : 0;
    if (stops && pruner_->Promotes()) pruner_->Hold(number);
    for (const Promotion& promotion : pruner_->Promoted()) {
      promoted_.push_back(static_cast<std::size_t>(promotion.trial - 1));
      ++played_.promoted;
    }
    return stops || is_whole;
  }

  const Curves& curves_;
  Pruner* pruner_;
  std::vector<std::size_t> done_;  // reports, by trial
  std::deque<std::size_t> waiting_;
  std::deque<std::size_t> promoted_;
  std::vector<std::size_t> running_;
  std::set<std::int64_t> stopped_;
  Played played_;
};

Played Play(const Curves& curves, const std::vector<std::size_t>& order, std::size_t at_once,
            Pruner* pruner) {
  return Playback(curves, order, pruner).Play(at_once);
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

struct NamedRule {
  std::string name;
  EarlyTerminate rule;
};

std::vector<NamedRule> Rules() {
  const std::vector<NamedRule> all{
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
  std::vector<NamedRule> both;
  for (const NamedRule& named : all) {
    both.push_back(named);
    if (!MakePruner(named.rule, 1, std::nullopt)->Promotes()) continue;
    both.push_back({named.name + ", promote: false", named.rule});
    both.back().rule.promote = false;
  }
  return both;
}

void PrintRow(const NamedRule& named, const Curves& curves, std::size_t at_once,
              std::uint64_t orders, std::int64_t all_reports, double sign) {
  std::vector<double> shares;
  std::vector<double> found;
  std::vector<double> stopped;
  std::vector<double> promoted;
  for (std::uint64_t seed = 0; seed < orders; ++seed) {
    const auto pruner = MakePruner(named.rule, 1, static_cast<std::int64_t>(curves.front().size()));
    const Played played = Play(curves, OrderOf(curves.size(), seed), at_once, pruner.get());
    shares.push_back(100 * static_cast<double>(played.reports) / static_cast<double>(all_reports));
    found.push_back(played.best);
    stopped.push_back(static_cast<double>(played.stopped));
    promoted.push_back(static_cast<double>(played.promoted));
  }
  fmt::print("| {} | {:.1f} % ({:.1f} %) | {:.4f} ({:.4f}) | {:.0f} | {:.0f} |\n", named.name,
             MedianOf(shares), *std::ranges::max_element(shares), MedianOf(found) * sign,
             *std::ranges::max_element(found) * sign, MedianOf(stopped), MedianOf(promoted));
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
  const Played all = Play(curves, OrderOf(curves.size(), 0), at_once, nullptr);
  fmt::print("{} trials of {} reports, {} at once, {} orders; the best of all had {:.4f}\n",
             curves.size(), curves.front().size(), at_once, orders, all.best * sign);
  fmt::print(
      "| pruner | reports made, median (most) | best found, median (worst) | trials stopped | "
      "promotions |\n|---|---|---|---|---|\n");
  for (const NamedRule& named : Rules())
    PrintRow(named, curves, at_once, orders, all.reports, sign);
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
