// SPDX-License-Identifier: Apache-2.0
// How good are the configurations that searches propose, and what do they cost?
//
//   search_bench [--methods LIST] [--functions LIST] [--seeds N | A..B] [--evaluations LIST]
//                [--at-once N] [--table | --json] [--beside FILE]...
//   search_bench --file TABLE.csv [--maximize] ...
//   search_bench --compare-at-once N [--methods LIST] [--functions LIST] [--seeds N | A..B]
//                [--evaluations N] [--rounds] [--json]
//   search_bench --timing [--methods LIST] [--dimensions LIST] [--history LIST] [--suggestions N]
//
// Prints, of each function, method and number of evaluations, the median over seeds of the best
// value less the optimum, with its 95 % bootstrap interval; of several objectives (zdt1, zdt2,
// zdt3), the hypervolume up to (11, 11), of which more is better. `--functions` takes names and the
// suites table (default), tuning, fronts. `--at-once` keeps so many running; each takes 0.5 to 1.5
// units of time, by seed; with `--rounds` all of them end before others are proposed.
// `--compare-at-once` tells how many evaluations N at once need for the median that the first of
// `--evaluations` (100) reach one after the other. `--beside` adds the columns of a peer's
// `--json`, e.g. that of bench/peers/optuna_search.py. A table is a CSV file: columns of
// parameters, then one of values; its rows are the space.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bench/searches/at_once.h"
#include "bench/searches/campaign.h"
#include "bench/searches/problem.h"
#include "bench/searches/summary.h"
#include "bench/searches/timing.h"
#include <fmt/format.h>

#include "configs/error.h"
#include "scheduler/search/pareto.h"

namespace {

using namespace ddl::bench;

struct Options {
  std::vector<std::string> methods;
  std::vector<std::string> functions{"table"};
  std::vector<std::string> files;
  std::vector<std::string> beside;
  std::uint64_t first_seed = 0;
  std::uint64_t last_seed = 19;
  std::vector<std::int64_t> evaluations{100, 200};
  std::vector<std::int64_t> dimensions{10};
  std::vector<std::int64_t> history{200, 500, 1000, 100'000};
  std::int64_t at_once = 1;
  std::int64_t compared_at_once = 0;  // 0: no comparison
  bool in_rounds = false;
  std::int64_t suggestions = 50;
  bool maximize = false;
  bool table = false;
  bool json = false;
  bool timing = false;
};

const std::vector<std::string> kMethods{"random", "sobol", "tpe", "cmaes", "gp", "auto"};
const std::vector<std::string> kFrontMethods{"random", "nsga2", "tpe"};

[[noreturn]] void Refuse(const std::string& what) {
  fmt::print(stderr, "search_bench: {}; its first lines say how it is called\n", what);
  std::exit(2);
}

std::int64_t Whole(std::string_view text, std::string_view option) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < 0) {
    Refuse(fmt::format("{} takes whole numbers, not '{}'", option, text));
  }
  return number;
}

std::vector<std::string> Listed(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::int64_t> Numbers(std::string_view text, std::string_view option) {
  std::vector<std::int64_t> numbers;
  for (const std::string& word : Listed(text))
    numbers.push_back(Whole(word, option));
  std::ranges::sort(numbers);
  return numbers;
}

void SetSeeds(Options& options, std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    options.last_seed =
        static_cast<std::uint64_t>(std::max<std::int64_t>(Whole(text, "--seeds"), 1)) - 1;
    return;
  }
  options.first_seed = static_cast<std::uint64_t>(Whole(text.substr(0, dots), "--seeds"));
  options.last_seed = static_cast<std::uint64_t>(Whole(text.substr(dots + 2), "--seeds"));
  if (options.last_seed < options.first_seed) Refuse("--seeds A..B needs A <= B");
}

bool SetFlag(Options& options, std::string_view word) {
  if (word == "--table") return options.table = true;
  if (word == "--json") return options.json = true;
  if (word == "--maximize") return options.maximize = true;
  if (word == "--timing") return options.timing = true;
  if (word == "--rounds") return options.in_rounds = true;
  return false;
}

void SetValue(Options& options, std::string_view word, std::string_view value) {
  if (word == "--methods") {
    options.methods = Listed(value);
  } else if (word == "--functions") {
    options.functions = Listed(value);
  } else if (word == "--file") {
    options.files.emplace_back(value);
  } else if (word == "--beside") {
    options.beside.emplace_back(value);
  } else if (word == "--seeds") {
    SetSeeds(options, value);
  } else if (word == "--evaluations") {
    options.evaluations = Numbers(value, word);
    if (options.evaluations.front() < 1) Refuse("--evaluations begin at 1");
  } else if (word == "--dimensions") {
    options.dimensions = Numbers(value, word);
  } else if (word == "--history") {
    options.history = Numbers(value, word);
  } else if (word == "--at-once") {
    options.at_once = std::max<std::int64_t>(Whole(value, word), 1);
  } else if (word == "--compare-at-once") {
    options.compared_at_once = Whole(value, word);
    if (options.compared_at_once < 2) Refuse("--compare-at-once begins at 2");
  } else if (word == "--suggestions") {
    options.suggestions = std::max<std::int64_t>(Whole(value, word), 1);
  } else {
    Refuse(fmt::format("knows no {}", word));
  }
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (SetFlag(options, word)) continue;
    if (i + 1 == argc) Refuse(fmt::format("{} needs a value, or is unknown", word));
    SetValue(options, word, argv[++i]);
  }
  return options;
}

std::vector<NamedProblem> ProblemsOf(const Options& options) {
  std::vector<NamedProblem> chosen;
  for (const std::string& path : options.files)
    chosen.push_back(TableOfFile(path, options.maximize));
  if (!options.files.empty()) return chosen;
  const std::vector<std::pair<std::string, std::vector<NamedProblem>>> suites{
      {"table", TableProblems()}, {"tuning", TuningProblems()}, {"fronts", FrontProblems()}};
  for (const std::string& wanted : options.functions) {
    const std::size_t before = chosen.size();
    for (const auto& [suite, problems] : suites) {
      for (const NamedProblem& problem : problems) {
        if (wanted == suite || wanted == problem.name) chosen.push_back(problem);
      }
    }
    if (chosen.size() == before) Refuse(fmt::format("knows no function '{}'", wanted));
  }
  return chosen;
}

bool IsBuilt(const std::string& method, const Problem& problem) {
  try {
    return MakeProposer(method, {.space = problem.space, .objectives = problem.objectives}) !=
           nullptr;
  } catch (const ddl::Error&) {
    return false;  // it cannot search this problem
  }
}

// Best less optimum, or hypervolume, of the first so many.
double Reached(const Problem& problem, const std::vector<std::vector<double>>& told,
               std::int64_t evaluations) {
  const auto count = static_cast<std::ptrdiff_t>(
      std::min<std::size_t>(told.size(), static_cast<std::size_t>(evaluations)));
  const std::vector<std::vector<double>> first(told.begin(), told.begin() + count);
  if (problem.objectives > 1) return ddl::Hypervolume(first, problem.reference);
  return std::ranges::min(first)[0] - problem.optimum;
}

std::vector<Summary> Measure(const Options& options, const NamedProblem& named,
                             const std::string& method) {
  std::vector<std::vector<double>> reached(options.evaluations.size());
  for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
    const Problem problem = named.make(seed);
    if (!IsBuilt(method, problem)) return {};
    const auto told = Evaluate(problem, {.method = method,
                                         .seed = seed,
                                         .evaluations = options.evaluations.back(),
                                         .at_once = options.at_once,
                                         .in_rounds = options.in_rounds});
    for (std::size_t i = 0; i < reached.size(); ++i) {
      reached[i].push_back(Reached(problem, told, options.evaluations[i]));
    }
  }
  std::vector<Summary> summaries;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    Summary summary{.problem = named.name,
                    .method = method,
                    .evaluations = options.evaluations[i],
                    .at_once = options.at_once};
    SetInterval(summary, reached[i]);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::vector<Summary> MeasureAll(const Options& options) {
  std::vector<Summary> summaries;
  for (const NamedProblem& named : ProblemsOf(options)) {
    const bool is_front = named.make(0).objectives > 1;
    const auto& methods = !options.methods.empty() ? options.methods
                          : is_front               ? kFrontMethods
                                                   : kMethods;
    for (const std::string& method : methods) {
      const std::vector<Summary> of_method = Measure(options, named, method);
      if (of_method.empty() && !options.methods.empty()) {
        fmt::print(stderr, "search_bench: no method '{}' for {}\n", method, named.name);
      }
      summaries.insert(summaries.end(), of_method.begin(), of_method.end());
    }
  }
  for (const std::string& path : options.beside) {
    const std::vector<Summary> peers = ReadSummaries(path, "Optuna ");
    summaries.insert(summaries.end(), peers.begin(), peers.end());
  }
  return summaries;
}

void PrintAtOnce(const Options& options) {
  const auto& methods =
      options.methods.empty() ? std::vector<std::string>{"tpe", "cmaes", "gp"} : options.methods;
  std::vector<AtOnceCost> costs;
  for (const NamedProblem& named : ProblemsOf(options)) {
    for (const std::string& method : methods) {
      const Problem problem = named.make(options.first_seed);
      if (problem.objectives > 1 || !IsBuilt(method, problem)) {
        fmt::print(stderr, "search_bench: no method '{}' for {}\n", method, named.name);
        continue;
      }
      costs.push_back(CompareAtOnce(named,
                                    {.method = method,
                                     .evaluations = options.evaluations.front(),
                                     .at_once = options.compared_at_once,
                                     .in_rounds = options.in_rounds},
                                    options.first_seed, options.last_seed));
    }
  }
  fmt::print("{}\n", options.json ? AtOnceJson(costs) : AtOnceTable(costs));
}

void PrintTiming(const Options& options) {
  const auto& methods = options.methods.empty() ? kMethods : options.methods;
  ddl::Json rows = ddl::Json::array();
  if (!options.json) {
    fmt::print("{:<8} {:>10} {:>8} {:>13} {:>10} {:>9}\n", "method", "dimensions", "history",
               "suggestion us", "p99 us", "start ms");
  }
  for (const std::string& method : methods) {
    for (const std::int64_t dimensions : options.dimensions) {
      for (const std::int64_t history : options.history) {
        const auto width = static_cast<std::size_t>(dimensions);
        if (!IsBuilt(method, {.space = RealSpace(width, 0, 1)})) continue;
        const Timing t = TimeSuggestions(method, width, history, options.suggestions);
        rows.push_back({{"method", method},
                        {"dimensions", dimensions},
                        {"history", history},
                        {"suggestion_us", t.suggestion_us},
                        {"suggestion_p99_us", t.suggestion_p99_us},
                        {"start_ms", t.start_ms}});
        if (options.json) continue;
        fmt::print("{:<8} {:>10} {:>8} {:>13.1f} {:>10.1f} {:>9.1f}\n", method, dimensions, history,
                   t.suggestion_us, t.suggestion_p99_us, t.start_ms);
      }
    }
  }
  if (options.json)
    fmt::print("{}\n", ddl::DumpJson({{"benchmark", "search timing"}, {"rows", rows}}));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  if (options.timing) {
    PrintTiming(options);
    return 0;
  }
  if (options.compared_at_once > 0) {
    PrintAtOnce(options);
    return 0;
  }
  const std::vector<Summary> summaries = MeasureAll(options);
  if (options.json) {
    fmt::print("{}\n", SummaryJson(summaries));
  } else {
    fmt::print("{}", options.table ? MarkdownTable(summaries) : PlainTable(summaries));
  }
  return 0;
}
