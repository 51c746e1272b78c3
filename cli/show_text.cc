// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/attempt_text.h"
#include "cli/format.h"
#include "cli/pieces.h"
#include "cli/plot.h"
#include "cli/show.h"
#include "cli/status.h"
#include "cli/sweep_json.h"
#include "cli/table.h"
#include "scheduler/outside.h"

namespace ddl {

namespace {

std::string Milliseconds(std::int64_t ms) {
  return FormatDuration(std::chrono::milliseconds(ms));
}

std::string Fitted(const std::string& line, const Terminal& terminal) {
  return terminal.is_terminal ? Fit(line, terminal.width, CutMark(terminal)) : line;
}

// Names in a column, values beside them; values are given whole, on one line.
Lines PairLines(const Json& pairs, const Terminal& terminal) {
  int widest = 0;
  for (const auto& [name, value] : pairs.items()) {
    widest = std::max(widest, DisplayWidth(OneLine(name)));
  }
  Lines lines;
  for (const auto& [name, value] : pairs.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : DumpJson(value);
    lines.push_back(Fitted(PadRight(OneLine(name), widest) + "  " + OneLine(text), terminal));
  }
  return lines;
}

Lines TrialHeadLines(const TrialView& view, const Terminal& terminal) {
  const TrialLine& trial = view.trial;
  const std::string name = fmt::format("{}/{}", OneLine(view.sweep.name), trial.number);
  Lines pieces{Painted(name, Style::kBold, terminal),
               Painted(ToString(trial.state), StyleOf(trial.state), terminal)};
  if (trial.objective) {
    pieces.push_back(OneLine(view.sweep.metric) + " " + FormatValue(*trial.objective));
  }
  if (trial.attempts > 1) pieces.push_back(fmt::format("{} attempts", trial.attempts));
  if (trial.id) {
    pieces.push_back(
        fmt::format("configuration {}, seed {}", trial.configuration, trial.seed_index));
  }
  if (view.parent > 0) pieces.push_back(fmt::format("goes on from trial {}", view.parent));
  Lines lines = WrapPieces(pieces, Dot(terminal), 2, terminal);
  if (!trial.reason.empty()) lines.push_back(Fitted(OneLine(trial.reason), terminal));
  if (!trial.id) {
    lines.push_back(Fitted("not begun; its parameters are drawn when it is", terminal));
  }
  return lines;
}

Lines AttemptLines(const TrialView& view, const Terminal& terminal) {
  if (view.attempts.empty()) return {};
  Table table({{.title = "ATTEMPT", .is_number = true},
               {.title = "STATE"},
               {.title = "TIME", .is_number = true},
               {.title = "CPU", .is_number = true, .drop = 2},
               {.title = "MEMORY", .is_number = true, .drop = 1},
               {.title = "LOG", .is_number = true, .drop = 3},
               {.title = "HOST", .drop = 4},
               {.title = "DEVICES", .drop = 5},
               {.title = "STARTED", .drop = 6, .least = 16}});
  for (const AttemptLine& attempt : view.attempts) {
    const bool ended = attempt.cause.has_value();
    const bool is_known = ended && attempt.peak_memory_kib > 0;  // not of one that shared a process
    table.AddRow({{fmt::format("{}", attempt.attempt)},
                  {AttemptStateText(attempt)},
                  {ended ? Milliseconds(attempt.wall_ms) : "-"},
                  {ended ? Milliseconds(attempt.cpu_ms) : "-"},
                  {is_known ? FormatBytes(attempt.peak_memory_kib * 1024) : "-"},
                  {ended ? FormatBytes(attempt.log_bytes) : "-"},
                  {OneLine(attempt.host)},
                  {SlotsText(attempt.slots_json)},
                  {FormatWhen(attempt.started_ms)}});
  }
  Lines lines = table.Lines(terminal);
  const AttemptLine& last = view.attempts.back();
  if (!last.detail.empty()) lines.push_back(Fitted("detail   " + OneLine(last.detail), terminal));
  // Whole, for copying, however narrow the terminal is.
  if (last.host == kOutsideHost) {
    lines.emplace_back("given out by ddl ask: it ran elsewhere, and ddl has no log of it");
    return lines;
  }
  lines.push_back("command  " + OneLine(CommandLine(last.argv_json)));
  const std::string gone = view.folders_gone.empty() ? std::string() : view.folders_gone.back();
  lines.push_back("folder   " + OneLine(last.job_folder) + (gone.empty() ? "" : "  " + gone));
  if (view.results) {
    lines.push_back("results  " +
                    (view.results->empty()
                         ? fmt::format("still on {}: ddl fetch {}/{}", OneLine(last.host),
                                       OneLine(view.sweep.name), view.trial.number)
                         : OneLine(*view.results)));
  }
  return lines;
}

Lines MetricLines(const TrialView& view, const Terminal& terminal) {
  if (view.metrics.empty()) return {};
  Table table({{.title = "NAME", .least = 12},
               {.title = "LAST", .is_number = true},
               {.title = "AT STEP", .is_number = true, .drop = 2},
               {.title = "MIN", .is_number = true},
               {.title = "AT", .is_number = true, .drop = 3},
               {.title = "MAX", .is_number = true},
               {.title = "AT", .is_number = true, .drop = 3},
               {.title = "REPORTS", .is_number = true, .drop = 1}});
  for (const MetricSummary& metric : view.metrics) {
    table.AddRow({{OneLine(metric.name)},
                  {FormatValue(metric.last)},
                  {FormatCount(metric.last_step)},
                  {FormatValue(metric.min)},
                  {FormatCount(metric.min_step)},
                  {FormatValue(metric.max)},
                  {FormatCount(metric.max_step)},
                  {FormatCount(metric.count)}});
  }
  return table.Lines(terminal);
}

Lines TrialCurveLines(const TrialView& view, const Terminal& terminal) {
  Lines lines;
  for (const MetricCurve& curve : view.curves) {
    Series series{OneLine(curve.metric), {}};
    for (const CurvePoint& point : curve.points) {
      series.points.push_back({static_cast<double>(point.step), point.value});
    }
    if (series.points.size() < 2) continue;
    const PlotOptions options{.rows = 8, .x_label = "step", .y_label = series.label};
    std::ranges::move(PlotLines(std::vector{series}, options, terminal), std::back_inserter(lines));
  }
  return lines;
}

Lines EventLines(const std::vector<EventLine>& events, bool with_trials, const Terminal& terminal) {
  Lines lines;
  for (const EventLine& event : events) {
    if (with_trials && event.trial_number == 0) {
      std::vector<std::string> pieces = WordsOf(OneLine(event.text));
      pieces.insert(pieces.begin(), FormatWhen(event.at_ms) + " ");
      std::ranges::move(WrapPieces(pieces, " ", 18, terminal), std::back_inserter(lines));
      continue;
    }
    const bool is_named = with_trials && event.trial_number > 0;
    const std::string trial = is_named ? fmt::format("trial {}: ", event.trial_number) : "";
    lines.push_back(Fitted(FormatWhen(event.at_ms) + "  " + trial + OneLine(event.text), terminal));
  }
  return lines;
}

}  // namespace

std::vector<std::string> ShowLines(const SweepView& view, const Terminal& terminal) {
  Lines lines = StatusLines({&view.sweep, 1}, terminal, view.fronts);
  std::ranges::move(SweepDetailLines(view.sweep, terminal, view.fronts), std::back_inserter(lines));
  AppendSection(lines, "events", EventLines(view.events, true, terminal), terminal);
  if (view.provenance.is_object()) {
    AppendSection(lines, "provenance", PairLines(view.provenance, terminal), terminal);
  }
  return lines;
}

std::vector<std::string> ShowLines(const TrialView& view, const Terminal& terminal) {
  Lines lines = TrialHeadLines(view, terminal);
  AppendSection(lines, "parameters", PairLines(ParametersOf(view.trial.params_json), terminal),
                terminal);
  AppendSection(lines, "metrics", MetricLines(view, terminal), terminal);
  AppendSection(lines, "curves", TrialCurveLines(view, terminal), terminal);
  AppendSection(lines, "attempts", AttemptLines(view, terminal), terminal);
  AppendSection(lines, "events", EventLines(view.events, false, terminal), terminal);
  if (view.provenance.is_object()) {
    AppendSection(lines, "provenance", PairLines(view.provenance, terminal), terminal);
  }
  return lines;
}

}  // namespace ddl
