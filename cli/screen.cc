// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include <unistd.h>

#include "cli/output.h"
#include "cli/pieces.h"
#include "configs/json.h"
#include "scheduler/progress_json.h"

namespace ddl {

namespace {

constexpr std::chrono::nanoseconds kPlainEvery = std::chrono::seconds(5);
constexpr std::chrono::nanoseconds kLiveEvery = std::chrono::milliseconds(100);

// A reader that has gone, or a full disk behind it, is no reason to end a sweep.
void PrintNow(const std::string& line) {
  WriteOrDrop(STDOUT_FILENO, line + "\n");
}

}  // namespace

ScreenKind ChooseScreen(bool json, bool quiet) {
  if (quiet) return ScreenKind::kQuiet;
  if (json) return ScreenKind::kJson;
  return DetectTerminal().is_terminal ? ScreenKind::kLive : ScreenKind::kPlain;
}

SweepScreen::SweepScreen(ScreenKind kind) : kind_(kind), terminal_(DetectTerminal()) {
  if (kind_ == ScreenKind::kLive) live_ = std::make_unique<LiveScreen>(STDOUT_FILENO);
}

void SweepScreen::Show(const SweepProgress& progress, const std::vector<RunningTrial>& running,
                       Now now) {
  last_ = progress;
  if (kind_ == ScreenKind::kQuiet) return;
  const auto every = kind_ == ScreenKind::kLive ? kLiveEvery : kPlainEvery;
  if (shown_.count() != 0 && now.monotonic - shown_ < every) return;
  shown_ = now.monotonic;
  if (kind_ == ScreenKind::kLive) {
    terminal_ = DetectTerminal();
    live_->Draw(ProgressLines(progress, running, now, terminal_), terminal_);
  } else if (kind_ == ScreenKind::kPlain) {
    PrintNow(PlainProgressLine(progress));
  } else {
    PrintNow(DumpJson({{"progress", ProgressJson(progress, running)}}));
  }
}

void SweepScreen::Say(const std::string& text) {
  if (kind_ == ScreenKind::kLive) {
    for (const std::string& line : WrapPieces(WordsOf(OneLine(text)), " ", 2, terminal_)) {
      live_->Print(line);
    }
  } else if (kind_ == ScreenKind::kPlain) {
    PrintNow(OneLine(text));
  } else if (kind_ == ScreenKind::kJson) {
    PrintNow(DumpJson({{"say", text}}));
  }
}

void SweepScreen::End(SweepOutcome outcome, const std::string& reason) {
  Clear();
  if (kind_ == ScreenKind::kJson) {
    Json ended{{"outcome", ToString(outcome)}, {"reason", reason}};
    if (last_) ended["progress"] = ProgressJson(*last_, {});
    if (longest_turn_) {
      ended["longest_turn_ms"] = std::chrono::duration<double, std::milli>(*longest_turn_).count();
    }
    PrintNow(DumpJson({{"ended", ended}}));
  } else if (kind_ != ScreenKind::kQuiet) {
    if (last_) PrintNow(PlainProgressLine(*last_));
    if (!reason.empty()) PrintNow(OneLine(reason));
  }
}

void SweepScreen::End(SweepOutcome outcome, const std::string& reason,
                      std::chrono::nanoseconds longest_turn) {
  longest_turn_ = longest_turn;
  End(outcome, reason);
}

void SweepScreen::Clear() {
  if (live_) live_->Clear();
}

}  // namespace ddl
