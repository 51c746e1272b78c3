// SPDX-License-Identifier: Apache-2.0
// What `ddl sweep` and `ddl watch` show while a sweep runs: a live screen in a terminal, a plain
// line every few seconds outside one, JSON lines for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/live_screen.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "scheduler/core.h"

namespace ddl {

enum class ScreenKind : std::uint8_t { kLive, kPlain, kJson, kQuiet };

class SweepScreen {
 public:
  explicit SweepScreen(ScreenKind kind);

  void Show(const SweepProgress& progress, const std::vector<RunningTrial>& running, Now now);
  void Say(const std::string& text);
  // The last word; leaves the terminal as it was.
  void End(SweepOutcome outcome, const std::string& reason);
  // The same of a sweep that this process conducted: its coordinator's longest turn is told in
  // JSON.
  void End(SweepOutcome outcome, const std::string& reason, std::chrono::nanoseconds longest_turn);
  // Takes the live part off the screen without a word.
  void Clear();
  // Writes nothing from here on.
  void Silence() { kind_ = ScreenKind::kQuiet; }

 private:
  ScreenKind kind_;
  Terminal terminal_;
  std::unique_ptr<LiveScreen> live_;
  std::optional<SweepProgress> last_;
  std::chrono::nanoseconds shown_{0};
  std::optional<std::chrono::nanoseconds> longest_turn_;
};

[[nodiscard]] ScreenKind ChooseScreen(bool json, bool quiet);

}  // namespace ddl
