// SPDX-License-Identifier: Apache-2.0
#include "bench/searches/summary.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "bench/searches/problem.h"
#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"

namespace ddl::bench {

namespace {

std::string Cell(const Summary& summary) {
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", summary.median, summary.low, summary.high);
}

std::string ColumnName(const Summary& summary) {
  return fmt::format("{} {}{}", summary.method, summary.evaluations,
                     summary.at_once > 1 ? fmt::format(" ({} at once)", summary.at_once) : "");
}

void AddOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

double MedianOf(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Interval Bootstrap(std::size_t count, const std::function<double(const Indices&)>& statistic) {
  constexpr std::uint64_t kSamples = 2000;
  Indices drawn(count);
  std::vector<double> found;
  for (std::uint64_t sample = 0; sample < kSamples; ++sample) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const double share = UniformAt(2026, sample, i);
      drawn[i] = static_cast<std::size_t>(share * static_cast<double>(count));
    }
    found.push_back(statistic(drawn));
  }
  std::ranges::sort(found);
  return {found[kSamples / 40], found[kSamples - 1 - kSamples / 40]};
}

void SetInterval(Summary& summary, const std::vector<double>& values) {
  const Interval interval = Bootstrap(values.size(), [&](const Indices& drawn) {
    std::vector<double> of_drawn;
    for (const std::size_t seed : drawn)
      of_drawn.push_back(values[seed]);
    return MedianOf(std::move(of_drawn));
  });
  summary.seeds = values.size();
  summary.median = MedianOf(values);
  summary.low = interval.low;
  summary.high = interval.high;
}

std::string SummaryJson(const std::vector<Summary>& summaries) {
  Json rows = Json::array();
  for (const Summary& s : summaries) {
    rows.push_back({{"function", s.problem},
                    {"method", s.method},
                    {"evaluations", s.evaluations},
                    {"at_once", s.at_once},
                    {"seeds", s.seeds},
                    {"median", s.median},
                    {"low", s.low},
                    {"high", s.high}});
  }
  return DumpJson({{"benchmark", "search"}, {"rows", rows}});
}

std::vector<Summary> ReadSummaries(const std::string& path, const std::string& prefix) {
  try {
    std::ifstream stream(path);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    std::vector<Summary> summaries;
    const Json printed = ParseJson(text, path);
    for (const Json& row : printed.at("rows")) {
      summaries.push_back({.problem = row.at("function"),
                           .method = prefix + row.at("method").get<std::string>(),
                           .evaluations = row.at("evaluations"),
                           .at_once = row.at("at_once"),
                           .seeds = row.at("seeds"),
                           .median = row.at("median"),
                           .low = row.at("low"),
                           .high = row.at("high")});
    }
    return summaries;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: not what --json prints: {}\n", path, error.what());
    std::exit(2);
  }
}

std::string MarkdownTable(const std::vector<Summary>& summaries) {
  std::vector<std::string> problems;
  std::vector<std::string> columns;
  for (const Summary& summary : summaries) {
    AddOnce(problems, summary.problem);
    AddOnce(columns, ColumnName(summary));
  }
  std::string text = "| function |";
  for (const std::string& column : columns)
    text += fmt::format(" {} |", column);
  text += "\n|---|";
  for (std::size_t i = 0; i < columns.size(); ++i)
    text += "---|";
  for (const std::string& problem : problems) {
    text += fmt::format("\n| {} |", problem);
    for (const std::string& column : columns) {
      const auto found = std::ranges::find_if(summaries, [&](const Summary& summary) {
        return summary.problem == problem && ColumnName(summary) == column;
      });
      text += fmt::format(" {} |", found == summaries.end() ? "–" : Cell(*found));
    }
  }
  return text + "\n";
}

std::string PlainTable(const std::vector<Summary>& summaries) {
  std::string text = fmt::format("{:<20} {:<16} {:>11} {:>7} {:>5}  {}\n", "function", "method",
                                 "evaluations", "at once", "seeds", "median [95 % interval]");
  for (const Summary& s : summaries) {
    text += fmt::format("{:<20} {:<16} {:>11} {:>7} {:>5}  {}\n", s.problem, s.method,
                        s.evaluations, s.at_once, s.seeds, Cell(s));
  }
  return text;
}

}  // namespace ddl::bench
