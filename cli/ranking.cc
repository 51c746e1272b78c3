// SPDX-License-Identifier: Apache-2.0
#include "cli/ranking.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/sweep_json.h"

namespace ddl {

namespace {

using Names = std::vector<std::string>;

// Parameter columns are left out from the last one backwards, after the columns that are only
// nice to have.
constexpr int kFirstParameterDrop = 1;
constexpr int kNiceToHave = 1'000;

struct RankedRow {
  std::vector<Cell> cells;  // before the parameters
  Json parameters;
  std::vector<Cell> after;
};

struct Ranking {
  std::vector<Column> columns;
  std::vector<Column> after;
  std::vector<RankedRow> rows;
};

std::string Elapsed(const TrialLine& trial) {
  if (trial.started_ms == 0 || trial.ended_ms < trial.started_ms) return "-";
  return FormatDuration(std::chrono::milliseconds(trial.ended_ms - trial.started_ms));
}

Ranking TrialRanking(const Report& report) {
  Ranking ranking;
  const bool ranked = !report.sweep.metric.empty();
  if (ranked) ranking.columns.push_back({.title = "RANK", .is_number = true});
  ranking.columns.push_back({.title = "TRIAL", .is_number = true});
  if (ranked) ranking.columns.push_back({.title = OneLine(report.sweep.metric), .is_number = true});
  ranking.after = {{.title = "STATE", .drop = kNiceToHave + 1},
                   {.title = "TIME", .is_number = true, .drop = kNiceToHave}};
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    const TrialLine& trial = report.trials[i];
    RankedRow row;
    if (ranked) row.cells.push_back({IsRanked(trial) ? fmt::format("{}", i + 1) : "-"});
    row.cells.push_back({fmt::format("{}", trial.number)});
    if (ranked) {
      const bool is_best = i == 0 && IsRanked(trial);
      row.cells.push_back({FormatValue(trial.objective), is_best ? Style::kBold : Style::kPlain});
    }
    row.parameters = ParametersOf(trial.params_json);
    row.after = {{std::string(ToString(trial.state)), StyleOf(trial.state)}, {Elapsed(trial)}};
    ranking.rows.push_back(std::move(row));
  }
  return ranking;
}

// The mean with as many decimals as the deviation's second digit: "0.8934 ± 0.0021".
std::string Spread(const ConfigurationLine& line, const Terminal& terminal) {
  if (line.ended == 0) return "-";
  if (line.ended == 1 || line.deviation == 0 || !std::isfinite(line.deviation)) {
    return FormatValue(line.mean);
  }
  const int decimals = 1 - static_cast<int>(std::floor(std::log10(line.deviation)));
  const char* sign = terminal.utf8 ? "±" : "+-";
  if (decimals > 8 || decimals < 0) {
    return fmt::format("{} {} {:.2g}", FormatValue(line.mean), sign, line.deviation);
  }
  return fmt::format("{:.{}f} {} {:.{}f}", line.mean, decimals, sign, line.deviation, decimals);
}

Ranking ConfigurationRanking(const Report& report, const Terminal& terminal) {
  Ranking ranking;
  ranking.columns = {{.title = "RANK", .is_number = true},
                     {.title = OneLine(report.sweep.metric), .is_number = true},
                     {.title = "SEEDS", .is_number = true, .drop = kNiceToHave}};
  ranking.after = {{.title = "MIN", .is_number = true, .drop = kNiceToHave + 1},
                   {.title = "MAX", .is_number = true, .drop = kNiceToHave + 1},
                   {.title = "TRIALS FROM", .is_number = true, .drop = kNiceToHave + 2}};
  for (std::size_t i = 0; i < report.configurations.size(); ++i) {
    const ConfigurationLine& line = report.configurations[i];
    const bool some = line.ended > 0;
    RankedRow row;
    row.cells = {{some ? fmt::format("{}", i + 1) : "-"},
                 {Spread(line, terminal), i == 0 ? Style::kBold : Style::kPlain},
                 {fmt::format("{}", line.ended)}};
    row.parameters = ParametersOf(line.params_json);
    row.after = {{some ? FormatValue(line.min) : "-"},
                 {some ? FormatValue(line.max) : "-"},
                 {fmt::format("{}", line.first_trial_number)}};
    ranking.rows.push_back(std::move(row));
  }
  return ranking;
}

// Numbers of trials name the rows; the best value of each objective is bold.
Ranking FrontRanking(const Report& report) {
  Ranking ranking;
  const Front& front = *report.front;
  const bool has_seeds = report.seeds > 1;
  ranking.columns = {{.title = has_seeds ? "TRIALS FROM" : "TRIAL", .is_number = true}};
  for (const SweepObjective& objective : front.objectives) {
    ranking.columns.push_back({.title = OneLine(objective.name), .is_number = true});
  }
  if (has_seeds) ranking.after = {{.title = "SEEDS", .is_number = true, .drop = kNiceToHave}};
  for (const FrontMember& member : report.shown) {
    RankedRow row;
    row.cells.push_back({fmt::format("{}", member.first_trial)});
    for (std::size_t i = 0; i < member.values.size(); ++i) {
      const bool is_best = std::ranges::none_of(front.members, [&](const FrontMember& other) {
        return front.objectives[i].maximize ? other.values[i] > member.values[i]
                                            : other.values[i] < member.values[i];
      });
      row.cells.push_back({FormatValue(member.values[i]), is_best ? Style::kBold : Style::kPlain});
    }
    row.parameters = ParametersOf(member.params_json);
    if (has_seeds) row.after = {{fmt::format("{}", member.seeds)}};
    ranking.rows.push_back(std::move(row));
  }
  return ranking;
}

Ranking RankingOf(const Report& report, const Terminal& terminal) {
  if (report.front) return FrontRanking(report);
  return report.seeds > 1 ? ConfigurationRanking(report, terminal) : TrialRanking(report);
}

bool AllNumbers(const Ranking& ranking, const std::string& name) {
  return std::ranges::all_of(ranking.rows, [&](const RankedRow& row) {
    return !row.parameters.contains(name) || row.parameters.at(name).is_number();
  });
}

Table TableOf(const Ranking& ranking, const Names& parameters, const Names& titles) {
  std::vector<Column> columns = ranking.columns;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    columns.push_back({.title = OneLine(titles[i]),
                       .is_number = AllNumbers(ranking, parameters[i]),
                       .drop = kFirstParameterDrop + static_cast<int>(i)});
  }
  columns.insert(columns.end(), ranking.after.begin(), ranking.after.end());
  Table table(std::move(columns));
  for (const RankedRow& row : ranking.rows) {
    std::vector<Cell> cells = row.cells;
    for (const std::string& name : parameters) {
      const auto found = row.parameters.find(name);
      cells.push_back({found == row.parameters.end() ? "-" : FormatParameter(*found)});
    }
    cells.insert(cells.end(), row.after.begin(), row.after.end());
    table.AddRow(std::move(cells));
  }
  return table;
}

// The last `parts` dotted parts of a name.
std::string Ending(const std::string& name, std::size_t parts) {
  std::size_t at = name.size();
  for (std::size_t i = 0; i < parts; ++i) {
    if (at == 0) return name;
    at = name.rfind('.', at - 1);
    if (at == std::string::npos) return name;
  }
  return name.substr(at + 1);
}

}  // namespace

std::vector<std::string> RankingLines(const Report& report, const Terminal& terminal) {
  const Ranking ranking = RankingOf(report, terminal);
  if (ranking.rows.empty()) return {};
  const Table full = TableOf(ranking, report.varying, report.varying);
  if (!terminal.is_terminal || full.NaturalWidth() <= terminal.width) return full.Lines(terminal);
  return TableOf(ranking, report.varying, ShortNames(report.varying)).Lines(terminal);
}

std::vector<std::string> ShortNames(std::span<const std::string> names) {
  Names shorter;
  for (const std::string& name : names) {
    std::size_t parts = 1;
    const auto same_ending = [&](const std::string& other) {
      return Ending(other, parts) == Ending(name, parts);
    };
    while (Ending(name, parts) != name && std::ranges::count_if(names, same_ending) > 1) {
      ++parts;
    }
    shorter.push_back(Ending(name, parts));
  }
  return shorter;
}

}  // namespace ddl
