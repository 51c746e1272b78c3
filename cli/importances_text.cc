// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/importances.h"
#include "cli/pieces.h"
#include "cli/table.h"

namespace ddl {

namespace {

constexpr std::size_t kRowsShown = 10;

std::string NameOf(const Importance& importance, const Terminal& terminal) {
  std::string name = importance.parameters.front();
  if (importance.parameters.size() > 1) {
    name += (terminal.utf8 ? " × " : " x ") + importance.parameters.back();
  }
  return OneLine(name);
}

std::string ShareText(const Importance& importance, const Terminal& terminal) {
  return fmt::format("{:.0f} % {} {:.0f}", 100 * importance.share, terminal.utf8 ? "±" : "+-",
                     100 * importance.deviation);
}

const Importance* Find(const std::vector<Importance>& all, const Importance& of) {
  const auto found = std::ranges::find(all, of.parameters, &Importance::parameters);
  return found == all.end() ? nullptr : &*found;
}

Lines ShareTable(const Importances& importances, const Terminal& terminal) {
  std::vector<Column> columns{{.title = "PARAMETER", .least = 16}};
  if (!importances.whole.empty()) columns.push_back({.title = "WHOLE SPACE", .is_number = true});
  if (!importances.best.empty()) columns.push_back({.title = "BEST TENTH", .is_number = true});
  Table table(std::move(columns));
  const bool has_whole = !importances.whole.empty();
  const std::vector<Importance>& rows = has_whole ? importances.whole : importances.best;
  for (std::size_t i = 0; i < std::min(rows.size(), kRowsShown); ++i) {
    std::vector<Cell> cells{{NameOf(rows[i], terminal)}};
    if (has_whole) cells.push_back({ShareText(rows[i], terminal)});
    if (!importances.best.empty()) {
      const Importance* best = Find(importances.best, rows[i]);
      cells.push_back({best == nullptr ? "-" : ShareText(*best, terminal)});
    }
    table.AddRow(std::move(cells));
  }
  Lines lines = table.Lines(terminal);
  if (rows.size() > kRowsShown) {
    lines.push_back(fmt::format("and {} more: --json", rows.size() - kRowsShown));
  }
  return lines;
}

std::string FitText(const Importances& importances) {
  const char* care = importances.explained < 0.5 ? ": read with care" : "";
  return fmt::format("the trees foretell {:.0f} % of what they have not seen{}",
                     100 * std::max(importances.explained, 0.0), care);
}

}  // namespace

std::vector<std::string> ImportanceLines(const Importances& importances, const Terminal& terminal) {
  const std::string count = FormatCount(importances.configurations);
  if (importances.configurations < importances.needed) {
    const Lines pieces{fmt::format("{} finished configurations of the {} that it takes to tell",
                                   count, importances.needed)};
    return WrapPieces(pieces, " ", 2, terminal);
  }
  Lines lines;
  if (!importances.whole.empty() || !importances.best.empty()) {
    lines = ShareTable(importances, terminal);
  }
  Lines pieces{fmt::format("of {} configurations", count)};
  if (importances.whole.empty()) {
    pieces.emplace_back("over the whole space: nothing shown, values look like chance");
  } else {
    pieces.push_back(FitText(importances));
    if (importances.far_out > 0) {
      pieces.push_back(fmt::format("{} far worse than most count as the worst of the others",
                                   FormatCount(importances.far_out)));
    }
  }
  if (importances.best.empty()) {
    pieces.emplace_back("among the best: nothing shown, they lie where all do");
  }
  for (std::string& line : WrapPieces(pieces, Dot(terminal), 2, terminal)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

Json ImportancesJson(const Importances& importances) {
  const auto list = [](const std::vector<Importance>& all) {
    Json rows = Json::array();
    for (const Importance& one : all) {
      rows.push_back(
          {{"parameters", one.parameters}, {"share", one.share}, {"deviation", one.deviation}});
    }
    return rows;
  };
  const bool is_enough = importances.configurations >= importances.needed;
  return {{"configurations", importances.configurations},
          {"needed", importances.needed},
          {"explained", is_enough ? Json(importances.explained) : Json(nullptr)},
          {"far_out", importances.far_out},
          {"whole_space", list(importances.whole)},
          {"best_tenth", list(importances.best)}};
}

}  // namespace ddl
