// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/pieces.h"
#include "cli/sweep_json.h"
#include "cli/table.h"

namespace ddl {

namespace {

constexpr std::ptrdiff_t kPausedPlace = 5;  // its column is there where a sweep has paused trials

Style StyleOfSweep(const SweepLine& sweep) {
  if (sweep.state == SweepState::kRunning) return Style::kPlain;
  const bool well =
      sweep.outcome == SweepOutcome::kAllDone || sweep.outcome == SweepOutcome::kTargetReached;
  return well ? Style::kGood : Style::kWarning;
}

std::string DoneOf(const SweepLine& sweep) {
  std::string ended = FormatCount(EndedCount(sweep.counts));
  if (sweep.trials_planned == 0) return ended;
  return ended + "/" + FormatCount(sweep.trials_planned);
}

std::string BestText(const SweepLine& sweep, const Fronts& fronts) {
  const auto front = fronts.find(sweep.id);
  if (front == fronts.end()) return FormatValue(sweep.best);
  const auto members = std::ssize(front->second.members);
  return members == 0 ? "-" : fmt::format("front of {}", FormatCount(members));
}

std::string MetricText(const SweepLine& sweep) {
  if (sweep.objectives.empty()) return OneLine(sweep.metric);
  std::string text;
  for (const SweepObjective& objective : sweep.objectives) {
    text += (text.empty() ? "" : ", ") + OneLine(objective.name);
  }
  return text;
}

std::vector<Cell> RowOf(const SweepLine& sweep, const Fronts& fronts, bool with_paused) {
  const auto count = [&](TrialState state) { return CountOf(sweep.counts, state); };
  const std::int64_t failed = count(TrialState::kFailed);
  const std::int64_t running =
      count(TrialState::kRunning) + count(TrialState::kLaunching) + count(TrialState::kStopping);
  std::vector<Cell> row{{OneLine(sweep.Address()), Style::kBold},
                        {std::string(ToString(sweep.state)), StyleOfSweep(sweep)},
                        {DoneOf(sweep)},
                        {FormatCount(running)},
                        {FormatCount(WaitingCount(sweep))},
                        {FormatCount(failed), failed > 0 ? Style::kBad : Style::kPlain},
                        {BestText(sweep, fronts)},
                        {MetricText(sweep)},
                        {FormatWhen(sweep.changed_ms)}};
  if (with_paused)
    row.insert(row.begin() + kPausedPlace, {FormatCount(count(TrialState::kPaused))});
  return row;
}

}  // namespace

std::vector<std::string> StatusLines(std::span<const SweepLine> sweeps, const Terminal& terminal,
                                     const Fronts& fronts) {
  if (sweeps.empty()) return {"no sweeps yet; begin one with: ddl sweep SPEC.yaml"};
  std::vector<Column> columns{{.title = "SWEEP", .least = 10},
                              {.title = "STATE"},
                              {.title = "DONE", .is_number = true},
                              {.title = "RUNNING", .is_number = true, .drop = 2},
                              {.title = "WAITING", .is_number = true, .drop = 3},
                              {.title = "FAILED", .is_number = true, .drop = 1},
                              {.title = "BEST", .is_number = true},
                              {.title = "METRIC", .drop = 4},
                              {.title = "CHANGED", .drop = 5, .least = 16}};
  const bool with_paused = std::ranges::any_of(sweeps, [](const SweepLine& sweep) {
    return CountOf(sweep.counts, TrialState::kPaused) > 0;
  });
  if (with_paused) {
    columns.insert(columns.begin() + kPausedPlace,
                   {.title = "PAUSED", .is_number = true, .drop = 3});
  }
  Table table(columns);
  for (const SweepLine& sweep : sweeps) {
    table.AddRow(RowOf(sweep, fronts, with_paused));
  }
  return table.Lines(terminal);
}

std::vector<std::string> SweepDetailLines(const SweepLine& sweep, const Terminal& terminal,
                                          const Fronts& fronts) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view word, const std::string& text) {
    if (text.empty()) return;
    const std::string line = fmt::format("{:12} {}", word, OneLine(text));
    lines.push_back(terminal.is_terminal ? Fit(line, terminal.width, CutMark(terminal)) : line);
  };
  add("description", sweep.description);
  add("outcome", std::string(OutcomeText(sweep.outcome)));
  add("reason", sweep.reason);
  // Whole: nothing else says it.
  if (!sweep.search_note.empty()) {
    std::vector<std::string> pieces = WordsOf(OneLine(sweep.search_note));
    pieces.insert(pieces.begin(), fmt::format("{:12}", "search"));
    std::ranges::move(WrapPieces(pieces, " ", 13, terminal), std::back_inserter(lines));
  }
  if (sweep.best) {
    add("best", fmt::format("{} {} (trial {})", sweep.metric, FormatValue(*sweep.best),
                            sweep.best_trial_number));
  }
  const auto front = fronts.find(sweep.id);
  if (front != fronts.end()) add("best", FrontText(front->second));
  add("begun", FormatWhen(sweep.created_ms));
  return lines;
}

Json StatusJson(std::span<const SweepLine> sweeps, const std::string& store_folder,
                const Fronts& fronts) {
  Json lines = Json::array();
  for (const SweepLine& sweep : sweeps) {
    lines.push_back(SweepJson(sweep));
    const auto front = fronts.find(sweep.id);
    lines.back()["front"] = front == fronts.end() ? Json(nullptr) : FrontJson(front->second, {});
  }
  return {{"store", store_folder}, {"sweeps", std::move(lines)}};
}

}  // namespace ddl
