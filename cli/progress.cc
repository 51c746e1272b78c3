// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/pieces.h"
#include "cli/table.h"

namespace ddl {

namespace {

using Pieces = std::vector<std::string>;

constexpr int kWidestBar = 60;
constexpr std::size_t kMostBestLines = 3;

std::int64_t Ended(const SweepProgress& progress) {
  return progress.finished + progress.pruned + progress.failed + progress.canceled;
}

std::string Done(const SweepProgress& progress, std::string_view between) {
  if (progress.planned == 0) return FormatCount(Ended(progress)) + " done";
  return fmt::format("{}{}{} done", FormatCount(Ended(progress)), between,
                     FormatCount(progress.planned));
}

// Of what is not done; while the sweep runs, running and waiting are always told, all else when
// there is some.
Pieces Counts(const SweepProgress& progress, const Terminal& terminal) {
  Pieces pieces;
  const auto add = [&](std::int64_t count, std::string_view word, Style style,
                       bool always = false) {
    if (count == 0 && !always) return;
    pieces.push_back(Painted(fmt::format("{} {}", FormatCount(count), word), style, terminal));
  };
  const bool runs = progress.state == SweepState::kRunning;
  add(progress.running + progress.launching, "running", Style::kPlain, runs);
  add(progress.waiting, "waiting", Style::kPlain, runs);
  // Those that their pruner holds need nobody's hand.
  add(progress.paused, "paused", progress.paused > progress.held ? Style::kWarning : Style::kPlain);
  add(progress.stopping, "stopping", Style::kWarning);
  add(progress.failed, "failed", Style::kBad);
  add(progress.pruned, "pruned", Style::kPlain);
  add(progress.canceled, "canceled", Style::kPlain);
  return pieces;
}

Pieces Pace(const SweepProgress& progress) {
  Pieces pieces;
  if (progress.state != SweepState::kRunning) return pieces;
  if (progress.trials_per_s > 0) {
    std::string rate = FormatRate(progress.trials_per_s);
    pieces.push_back(rate.insert(rate.find('/'), " trials"));
  }
  if (progress.seconds_left && std::isfinite(*progress.seconds_left)) {
    const double most = 1e9;  // a figure of decades says nothing, and must not overflow
    const auto ms = static_cast<std::int64_t>(std::min(*progress.seconds_left, most) * 1'000);
    pieces.push_back(FormatDuration(std::chrono::milliseconds(ms)) + " left");
  }
  return pieces;
}

// Done without failure, failed, running, and what is still to come, in cells that add up.
std::string Bar(const SweepProgress& progress, int cells, const Terminal& terminal) {
  const auto total = static_cast<double>(std::max(progress.planned, Ended(progress)));
  const auto until = [&](std::int64_t count) {
    return total == 0 ? 0 : static_cast<int>(static_cast<double>(count) / total * cells);
  };
  const int well = until(Ended(progress) - progress.failed);
  const int ended = until(Ended(progress));
  const int busy = std::min(
      cells, until(Ended(progress) + progress.running + progress.launching + progress.stopping));
  const auto run = [](int count, std::string_view mark) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += mark;
    }
    return text;
  };
  const std::string_view full = terminal.utf8 ? "█" : "#";
  return Painted(run(well, full), Style::kGood, terminal) +
         Painted(run(ended - well, terminal.utf8 ? "▓" : "x"), Style::kBad, terminal) +
         run(busy - ended, terminal.utf8 ? "▒" : "=") +
         Painted(run(cells - busy, terminal.utf8 ? "░" : "."), Style::kDim, terminal);
}

Pieces BarLines(const SweepProgress& progress, const Terminal& terminal) {
  Pieces pace = Pace(progress);
  if (progress.planned == 0) return WrapPieces(pace, Dot(terminal), 2, terminal);
  const double share = static_cast<double>(Ended(progress)) /
                       static_cast<double>(std::max(progress.planned, Ended(progress)));
  std::string after = fmt::format(" {:3}%", static_cast<int>(share * 100));
  for (std::size_t i = 0; i < pace.size(); ++i) {
    after += (i == 0 ? "  " : std::string(Dot(terminal))) + pace[i];
  }
  constexpr int kNarrowestBar = 8;
  const int room = terminal.width - DisplayWidth(after);
  if (room < kNarrowestBar) return {Fit(after.substr(1), terminal.width, CutMark(terminal))};
  return {Bar(progress, std::min(room, kWidestBar), terminal) + after};
}

// "front of 7: best loss 0.0123, size 17", in pieces.
Pieces FrontPieces(const SweepProgress& progress, const Terminal& terminal) {
  if (progress.front == 0) return {};
  Pieces pieces{fmt::format("front of {}: best", FormatCount(progress.front))};
  for (std::size_t i = 0; i < progress.front_best.size(); ++i) {
    const auto& [metric, value] = progress.front_best[i];
    pieces.push_back(fmt::format("{} {}{}", OneLine(metric),
                                 Painted(FormatValue(value), Style::kBold, terminal),
                                 i + 1 < progress.front_best.size() ? "," : ""));
  }
  return pieces;
}

Pieces BestLines(const SweepProgress& progress, const Terminal& terminal) {
  if (progress.front > 0) return WrapPieces(FrontPieces(progress, terminal), " ", 2, terminal);
  if (!progress.best) return {};
  const std::string value = FormatValue(*progress.best);
  Pieces pieces{
      fmt::format("best {} {}", OneLine(progress.metric), Painted(value, Style::kBold, terminal)),
      fmt::format("(trial {})", progress.best_number)};
  if (progress.best_configuration.is_object()) {
    for (const auto& [name, parameter] : progress.best_configuration.items()) {
      pieces.push_back(fmt::format("{}={}", OneLine(name), FormatParameter(parameter)));
    }
  }
  Pieces lines = WrapPieces(pieces, " ", 2, terminal);
  if (lines.size() > kMostBestLines) {
    lines.resize(kMostBestLines);
    const std::string longer = lines.back() + " " + std::string(CutMark(terminal));
    lines.back() = Fit(longer, terminal.width, CutMark(terminal));
  }
  return lines;
}

// "91,200 (84 %)", the second where the host's limit is known.
std::string SpeedText(const RunningTrial& trial) {
  if (!trial.samples_per_s || !std::isfinite(*trial.samples_per_s)) return "-";
  const std::string rate = FormatCount(std::llround(*trial.samples_per_s));
  return trial.percent_of_limit ? fmt::format("{} ({:.0f} %)", rate, *trial.percent_of_limit)
                                : rate;
}

Table RunningTable(const SweepProgress& progress, const std::vector<RunningTrial>& running,
                   std::size_t count, Now now) {
  std::vector<Column> columns{
      {.title = "TRIAL", .is_number = true},
      {.title = "HOST", .drop = 2},
      {.title = "TIME", .is_number = true},
      {.title = "STEP", .is_number = true, .drop = 1},
      {.title = progress.metric.empty() ? "" : OneLine(progress.metric), .is_number = true}};
  const auto tells_speed = [](const RunningTrial& trial) {
    return trial.samples_per_s.has_value();
  };
  const bool has_speed = std::ranges::any_of(running, tells_speed);
  if (has_speed) columns.push_back({.title = "SAMPLES/S", .is_number = true, .drop = 3});
  Table table(std::move(columns));
  for (std::size_t i = 0; i < count; ++i) {
    const RunningTrial& trial = running[i];
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.monotonic - trial.started);
    std::vector<Cell> cells{{fmt::format("{}", trial.number)},
                            {OneLine(trial.host)},
                            {FormatDuration(elapsed)},
                            {trial.step ? fmt::format("{}", *trial.step) : "-"},
                            {progress.metric.empty() ? "" : FormatValue(trial.objective)}};
    if (has_speed) cells.push_back({SpeedText(trial)});
    table.AddRow(std::move(cells));
  }
  return table;
}

Pieces RunningLines(const SweepProgress& progress, const std::vector<RunningTrial>& running,
                    Now now, const Terminal& terminal) {
  const std::int64_t all = std::max(progress.running, static_cast<std::int64_t>(running.size()));
  std::size_t shown = running.size();
  for (;;) {
    if (shown == 0) return {};
    Pieces lines = RunningTable(progress, running, shown, now).Lines(terminal);
    const std::int64_t hidden = all - static_cast<std::int64_t>(shown);
    if (hidden > 0) {
      const std::string more = fmt::format("and {} more", FormatCount(hidden));
      lines.push_back(Painted(Fit(more, terminal.width), Style::kDim, terminal));
    }
    const auto room = static_cast<std::size_t>(std::max(terminal.height, 0));
    if (lines.size() <= room) return lines;
    shown -= std::min(shown, lines.size() - room);
  }
}

}  // namespace

std::vector<std::string> ProgressLines(const SweepProgress& progress,
                                       const std::vector<RunningTrial>& running, Now now,
                                       const Terminal& terminal) {
  Pieces head{Painted(OneLine(progress.name), Style::kBold, terminal), Done(progress, " of ")};
  std::ranges::move(Counts(progress, terminal), std::back_inserter(head));
  if (progress.outcome != SweepOutcome::kNone) {
    head.emplace_back(OutcomeText(progress.outcome));
  }
  Pieces lines = WrapPieces(head, Dot(terminal), 2, terminal);
  std::ranges::move(BarLines(progress, terminal), std::back_inserter(lines));
  std::ranges::move(BestLines(progress, terminal), std::back_inserter(lines));
  if (!progress.waiting_for.empty()) {
    const std::string why = "waiting: " + OneLine(progress.waiting_for);
    lines.push_back(
        Painted(Fit(why, terminal.width, CutMark(terminal)), Style::kWarning, terminal));
  }
  const auto most = static_cast<std::size_t>(std::max(terminal.height - 1, 1));
  if (lines.size() > most) lines.resize(most);
  Terminal below = terminal;
  below.height = static_cast<int>(most - lines.size());
  std::ranges::move(RunningLines(progress, running, now, below), std::back_inserter(lines));
  return lines;
}

std::string PlainProgressLine(const SweepProgress& progress) {
  const Terminal plain{.is_terminal = false, .color = false};
  std::string line = fmt::format("{}: {}", OneLine(progress.name), Done(progress, "/"));
  for (const std::string& piece : Counts(progress, plain)) {
    line += ", " + piece;
  }
  if (progress.best) {
    line += fmt::format("; best {} {} (trial {})", OneLine(progress.metric),
                        FormatValue(*progress.best), progress.best_number);
  }
  const Pieces front = FrontPieces(progress, plain);
  for (std::size_t i = 0; i < front.size(); ++i) {
    line += (i == 0 ? "; " : " ") + front[i];
  }
  const Pieces pace = Pace(progress);
  for (std::size_t i = 0; i < pace.size(); ++i) {
    line += (i == 0 ? "; " : ", ") + pace[i];
  }
  if (progress.outcome != SweepOutcome::kNone) {
    line += fmt::format("; {}", OutcomeText(progress.outcome));
  }
  if (!progress.waiting_for.empty()) line += "; waiting: " + OneLine(progress.waiting_for);
  return line;
}

}  // namespace ddl
