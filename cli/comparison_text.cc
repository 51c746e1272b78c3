// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "cli/comparison.h"
#include "cli/format.h"
#include "cli/pieces.h"
#include "cli/table.h"

namespace ddl {

namespace {

constexpr std::size_t kMetricsShown = 12;

std::vector<std::string> Letters(std::size_t count) {
  std::vector<std::string> letters;
  for (std::size_t i = 0; i < count; ++i) {
    letters.emplace_back(1, static_cast<char>('A' + i));
  }
  return letters;
}

std::int64_t CountOfValues(const ComparedSide& side) {
  return std::ranges::count_if(side.values, [](const auto& value) { return value.has_value(); });
}

Lines SideLines(const Comparison& comparison, const Terminal& terminal) {
  Table table({{.title = "SIDE"},
               {.title = OneLine(comparison.metric), .is_number = true},
               {.title = "95 % INTERVAL", .is_number = true, .drop = 1},
               {.title = "SEEDS", .is_number = true, .drop = 3},
               {.title = "NAME", .least = 12},
               {.title = "WHAT", .drop = 2, .least = 12}});
  const std::vector<std::string> letters = Letters(comparison.sides.size());
  for (std::size_t i = 0; i < comparison.sides.size(); ++i) {
    const ComparedSide& side = comparison.sides[i];
    table.AddRow({{letters[i]},
                  {FormatValue(MeanOfSide(side))},
                  {IntervalText(IntervalOfSide(side))},
                  {FormatCount(CountOfValues(side))},
                  {OneLine(side.name)},
                  {side.what}});
  }
  return table.Lines(terminal);
}

Lines PairLines(const Comparison& comparison, const Terminal& terminal) {
  const std::vector<std::string> letters = Letters(comparison.sides.size());
  Table table({{.title = "SIDES"},
               {.title = "DIFFERENCE", .is_number = true},
               {.title = "95 % INTERVAL", .is_number = true, .drop = 1},
               {.title = "P", .is_number = true},
               {.title = "", .least = 16}});
  for (const ComparedPair& pair : comparison.pairs) {
    const bool is_any = pair.test.pairs > 0;
    table.AddRow(
        {{fmt::format("{} - {}", letters[pair.test.second], letters[pair.test.first])},
         {is_any ? FormatValue(pair.test.mean) : "-"},
         {IntervalText(pair.interval)},
         {ProbabilityText(pair.test.p)},
         {VerdictText(comparison, pair, letters), IsShown(pair) ? Style::kBold : Style::kPlain}});
  }
  Lines lines = table.Lines(terminal);
  for (const std::string& note : ComparisonNotes(comparison)) {
    for (std::string& line : WrapPieces(std::vector{note}, " ", 2, terminal)) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

// One row a name, one column a side; numbers where all are.
Table ByName(const char* title, std::size_t sides, bool are_numbers) {
  std::vector<Column> columns{{.title = title, .least = 12}};
  for (const std::string& letter : Letters(sides)) {
    columns.push_back({.title = letter, .is_number = are_numbers});
  }
  return Table(std::move(columns));
}

Lines ParameterLines(const Comparison& comparison, const Terminal& terminal) {
  const std::vector<std::string> names = DifferingParameters(comparison.sides);
  if (names.empty()) return {"none: the parameters are the same"};
  Table table = ByName("PARAMETER", comparison.sides.size(), false);
  for (const std::string& name : names) {
    std::vector<Cell> cells{{OneLine(name)}};
    for (const ComparedSide& side : comparison.sides) {
      const auto found = side.parameters.find(name);
      cells.push_back({found == side.parameters.end() ? "-" : FormatParameter(*found)});
    }
    table.AddRow(std::move(cells));
  }
  return table.Lines(terminal);
}

Lines LastLines(const Comparison& comparison, const Terminal& terminal) {
  std::vector<std::string> names{comparison.metric};
  for (const ComparedSide& side : comparison.sides) {
    for (const auto& [name, value] : side.last) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  if (names.size() < 2) return {};  // it stands above
  std::sort(names.begin() + 1, names.end());
  Table table = ByName("METRIC", comparison.sides.size(), true);
  for (std::size_t i = 0; i < std::min(names.size(), kMetricsShown); ++i) {
    std::vector<Cell> cells{{OneLine(names[i])}};
    for (const ComparedSide& side : comparison.sides) {
      const auto found = side.last.find(names[i]);
      cells.push_back({found == side.last.end() ? "-" : FormatValue(found->second)});
    }
    table.AddRow(std::move(cells));
  }
  Lines lines = table.Lines(terminal);
  if (names.size() > kMetricsShown) {
    lines.push_back(fmt::format("and {} more: --json", names.size() - kMetricsShown));
  }
  return lines;
}

}  // namespace

std::vector<std::string> CompareLines(const Comparison& comparison, const Terminal& terminal) {
  Lines lines = SideLines(comparison, terminal);
  AppendSection(lines, "differences", PairLines(comparison, terminal), terminal);
  AppendSection(lines, "parameters that differ", ParameterLines(comparison, terminal), terminal);
  AppendSection(lines, "last values", LastLines(comparison, terminal), terminal);
  return lines;
}

std::vector<std::string> AgainstBestLines(const Comparison& comparison, const Terminal& terminal) {
  Table table({{.title = "TRIALS FROM", .is_number = true},
               {.title = "MEAN", .is_number = true},
               {.title = "95 % INTERVAL", .is_number = true, .drop = 2},
               {.title = "DIFFERENCE", .is_number = true, .drop = 1},
               {.title = "95 % OF IT", .is_number = true, .drop = 3},
               {.title = "P", .is_number = true},
               {.title = "AGAINST THE BEST", .least = 16}});
  for (std::size_t i = 0; i < comparison.sides.size(); ++i) {
    const ComparedSide& side = comparison.sides[i];
    std::vector<Cell> cells{{fmt::format("{}", side.trials.front())},
                            {FormatValue(MeanOfSide(side))},
                            {IntervalText(IntervalOfSide(side))}};
    if (i == 0) {
      cells.insert(cells.end(), {{"-"}, {"-"}, {"-"}, {"the best so far"}});
    } else {
      const ComparedPair& pair = comparison.pairs[i - 1];
      std::string verdict =
          IsShown(pair) ? std::string("differs") : VerdictText(comparison, pair, {});
      cells.insert(cells.end(), {{FormatValue(pair.test.mean)},
                                 {IntervalText(pair.interval)},
                                 {ProbabilityText(pair.test.p)},
                                 {std::move(verdict)}});
    }
    table.AddRow(std::move(cells));
  }
  Lines lines = table.Lines(terminal);
  for (const std::string& note : ComparisonNotes(comparison)) {
    for (std::string& line : WrapPieces(std::vector{note}, " ", 2, terminal)) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace ddl
