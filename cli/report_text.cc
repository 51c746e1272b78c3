// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/pieces.h"
#include "cli/plot.h"
#include "cli/ranking.h"
#include "cli/report.h"
#include "cli/sweep_json.h"

namespace ddl {

namespace {

Lines HeadLines(const Report& report, const Terminal& terminal) {
  const SweepLine& sweep = report.sweep;
  const auto count = [&](TrialState state) { return CountOf(sweep.counts, state); };
  Lines pieces{Painted(OneLine(sweep.Address()), Style::kBold, terminal),
               std::string(ToString(sweep.state))};
  if (sweep.outcome != SweepOutcome::kNone) {
    pieces.back() += ": " + std::string(OutcomeText(sweep.outcome));
  }
  const std::int64_t ended = EndedCount(sweep.counts);
  pieces.push_back(sweep.trials_planned == 0
                       ? FormatCount(ended) + " done"
                       : fmt::format("{} of {} done", FormatCount(ended),
                                     FormatCount(std::max(sweep.trials_planned, ended))));
  const auto add = [&](std::int64_t number, std::string_view word, Style style) {
    if (number == 0) return;
    pieces.push_back(Painted(fmt::format("{} {}", FormatCount(number), word), style, terminal));
  };
  add(count(TrialState::kRunning) + count(TrialState::kLaunching), "running", Style::kPlain);
  add(count(TrialState::kPaused), "paused", Style::kPlain);
  add(count(TrialState::kFailed), "failed", Style::kBad);
  add(count(TrialState::kPruned), "pruned", Style::kPlain);
  add(count(TrialState::kCanceled), "canceled", Style::kPlain);
  Lines lines = WrapPieces(pieces, Dot(terminal), 2, terminal);
  for (const std::string& text : {sweep.description, sweep.reason}) {
    if (!text.empty()) {
      lines.push_back(Fit(OneLine(text), terminal.is_terminal ? terminal.width : 10'000));
    }
  }
  if (!sweep.search_note.empty()) {
    const Lines words = WordsOf(OneLine(sweep.search_note));
    std::ranges::move(WrapPieces(words, " ", 2, terminal), std::back_inserter(lines));
  }
  return lines;
}

std::string TargetText(const Report& report, double value) {
  if (!report.target) return "";
  const bool reached = report.sweep.maximize ? value >= *report.target : value <= *report.target;
  return fmt::format("; target {} {}", FormatValue(*report.target), reached ? "reached" : "missed");
}

// To be typed again: not rounded.
std::string ExactText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : DumpJson(value);
}

std::string ReportCommand(const Report& report) {
  const std::string& name = report.name_word;
  return "ddl report" + (name.empty() ? "" : " " + name) + report.store_words;
}

std::string LogsCommand(const Report& report, std::int64_t trial) {
  const std::string& name = report.name_word;
  return fmt::format("ddl logs {}{}{}{}", name, name.empty() ? "" : "/", trial, report.store_words);
}

// Of a front nobody but the user knows which is the best.
Lines ChooseLines(const Report& report) {
  if (report.shown.empty()) return {};
  return {fmt::format("one of them as a spec that runs: {} --best FILE --trial {}",
                      ReportCommand(report), report.shown.front().first_trial)};
}

Lines WinnerLines(const Report& report, const Terminal& terminal) {
  if (report.front) return {};
  const auto best = BestOf(report);
  if (!best) {
    if (report.sweep.metric.empty()) return {};
    const bool any = std::ranges::any_of(
        report.trials, [](const TrialLine& trial) { return trial.objective.has_value(); });
    return {fmt::format("no trial has {} {} yet", any ? "finished with a value of" : "reported",
                        OneLine(report.sweep.metric))};
  }
  const char* whose = report.seeds > 1 ? "mean over seeds, trials from" : "trial";
  Lines lines{fmt::format("{} {} ({} {}){}", OneLine(report.sweep.metric), FormatValue(best->value),
                          whose, best->trial, best->value ? TargetText(report, *best->value) : "")};
  std::size_t widest = 0;
  for (const auto& [name, value] : best->parameters.items()) {
    widest = std::max(widest, name.size());
  }
  for (const auto& [name, value] : best->parameters.items()) {
    lines.push_back(fmt::format("  {}  {}", PadRight(OneLine(name), static_cast<int>(widest)),
                                OneLine(ExactText(value))));
  }
  lines.push_back(fmt::format("as a spec that runs: {} --best best.yaml", ReportCommand(report)));
  if (!terminal.is_terminal) return lines;
  for (std::string& line : lines) {
    line = Fit(line, terminal.width, CutMark(terminal));
  }
  return lines;
}

std::string CurveLabel(const Report& report, const ReportCurve& curve) {
  std::string label = fmt::format("trial {}", curve.trial);
  const auto trial = std::ranges::find(report.trials, curve.trial, &TrialLine::number);
  const auto member = std::ranges::find(report.shown, curve.trial, &FrontMember::first_trial);
  Json parameters = Json::object();
  if (trial != report.trials.end()) parameters = ParametersOf(trial->params_json);
  if (member != report.shown.end()) parameters = ParametersOf(member->params_json);
  for (const std::string& name : report.varying) {
    if (!parameters.contains(name)) continue;
    label += fmt::format("  {}={}", OneLine(name), FormatParameter(parameters.at(name)));
  }
  return label;
}

Lines CurveLines(const Report& report, const Terminal& terminal) {
  std::vector<Series> all;
  bool any_line = false;
  for (const ReportCurve& curve : report.curves) {
    Series series{CurveLabel(report, curve), {}};
    for (const CurvePoint& point : curve.points) {
      series.points.push_back({static_cast<double>(point.step), point.value});
    }
    any_line = any_line || series.points.size() > 1;
    all.push_back(std::move(series));
  }
  if (!any_line) return {};  // single points are in the table already
  return PlotLines(all, {.rows = 10, .x_label = "step", .y_label = OneLine(report.sweep.metric)},
                   terminal);
}

Lines FailureLines(const Report& report, const Terminal& terminal) {
  if (report.failures.empty()) return {};
  const auto adds = [](const FailureGroup& group) {
    return group.reason.find(group.said) == std::string::npos;
  };
  const bool has_lines = std::ranges::any_of(report.failures, adds);
  std::vector<Column> columns{{.title = "TRIALS", .is_number = true},
                              {.title = "REASON", .least = 16}};
  if (has_lines) columns.push_back({.title = "LAST LINE OF THE FIRST", .drop = 1, .least = 24});
  columns.push_back({.title = "WHICH", .drop = 2});
  Table table(std::move(columns));
  for (const FailureGroup& group : report.failures) {
    std::string which;
    for (const std::int64_t trial : group.trials) {
      which += fmt::format("{}{}", which.empty() ? "" : ", ", trial);
    }
    if (group.count > static_cast<std::int64_t>(group.trials.size())) {
      which += ", " + std::string(CutMark(terminal));
    }
    std::vector<Cell> cells{{FormatCount(group.count)}, {OneLine(group.reason)}};
    if (has_lines) cells.push_back({adds(group) ? OneLine(group.said) : ""});
    cells.push_back({which});
    table.AddRow(std::move(cells));
  }
  Lines lines = table.Lines(terminal);
  if (report.failures_read < CountOf(report.sweep.counts, TrialState::kFailed)) {
    lines.push_back(
        fmt::format("of the first {} failed trials", FormatCount(report.failures_read)));
  }
  if (report.is_outside) return lines;
  lines.push_back("their output: " + LogsCommand(report, report.failures.front().trials.front()));
  return lines;
}

Lines PruningLines(const Report& report) {
  if (!report.pruning) return {};
  const PruningLine& pruning = *report.pruning;
  Lines lines{fmt::format("{:.0f} % of the reports were saved: {} instead of {}",
                          SavedShare(pruning) * 100, FormatCount(pruning.reports),
                          FormatCount(pruning.trials * pruning.whole))};
  if (pruning.paused > 0) {
    lines.push_back(fmt::format("paused with a checkpoint: {}; went on later: {}",
                                FormatCount(pruning.paused), FormatCount(pruning.went_on)));
  }
  return lines;
}

Lines SpeedLines(const Report& report) {
  if (!report.speed) return {};
  const ReportSpeed& speed = *report.speed;
  std::string line = FormatCount(std::llround(speed.samples_per_s)) + " samples/s";
  if (speed.gflops) line += fmt::format(", {:.1f} GFLOP/s", *speed.gflops);
  if (speed.percent_of_limit) {
    line +=
        fmt::format(", {:.0f} % of what the host was measured to reach", *speed.percent_of_limit);
  }
  if (speed.joules) line += fmt::format(", {} J a trial", FormatCount(std::llround(*speed.joules)));
  return {line + fmt::format(" (median of {})", FormatCount(speed.trials))};
}

}  // namespace

std::vector<std::string> ReportLines(const Report& report, const Terminal& terminal) {
  Lines lines = HeadLines(report, terminal);
  if (report.front) {
    Lines front = FrontLines(*report.front, report.shown.size(), terminal);
    std::ranges::move(RankingLines(report, terminal), std::back_inserter(front));
    std::ranges::move(ChooseLines(report), std::back_inserter(front));
    AppendSection(lines, "pareto front", std::move(front), terminal);
    if (report.growth) {
      AppendSection(lines, "hypervolume", GrowthLines(*report.front, *report.growth, terminal),
                    terminal);
    }
  } else {
    AppendSection(lines, "", RankingLines(report, terminal), terminal);
  }
  if (report.against_best) {
    AppendSection(lines, "over seeds", AgainstBestLines(*report.against_best, terminal), terminal);
  }
  AppendSection(lines, "best", WinnerLines(report, terminal), terminal);
  AppendSection(lines, "its schedule",
                ScheduleLines(report.schedule, report.varying, report.sweep.metric, terminal),
                terminal);
  AppendSection(lines, "learning curves", CurveLines(report, terminal), terminal);
  AppendSection(lines, "early stopping", PruningLines(report), terminal);
  if (report.importances) {
    AppendSection(
        lines, report.front ? "what mattered for " + OneLine(report.sweep.metric) : "what mattered",
        ImportanceLines(*report.importances, terminal), terminal);
  }
  AppendSection(lines, "speed", SpeedLines(report), terminal);
  AppendSection(lines, "failures", FailureLines(report, terminal), terminal);
  return lines;
}

}  // namespace ddl
