// SPDX-License-Identifier: Apache-2.0
#include "cli/viewer.h"

#include <atomic>
#include <chrono>
#include <csignal>

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/refusal.h"
#include "configs/error.h"
#include "configs/json.h"
#include "scheduler/admission.h"
#include "scheduler/progress_json.h"

namespace ddl {

namespace {

// A handler can reach nothing else; it only ends a wait.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t interrupted = 0;

// Makes Ctrl-C end the waiting instead of the process, for the life of the object.
class InterruptWatch {
 public:
  InterruptWatch() {
    interrupted = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptWatch() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  InterruptWatch(InterruptWatch&&) = delete;
  InterruptWatch& operator=(InterruptWatch&&) = delete;

 private:
  struct sigaction before_{};
};

Now MonotonicNow() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::steady_clock::now().time_since_epoch()),
          0};
}

// The exit code once the sweep has ended.
std::optional<int> ShowLine(const Json& line, SweepScreen& screen) {
  if (line.contains("answer")) {
    if (const std::optional<Error> refusal = RefusalIn(line.at("answer"))) {
      screen.Clear();
      throw Error(*refusal);
    }
  }
  if (line.contains("progress")) {
    const ProgressMessage report = ProgressFromJson(line.at("progress"));
    screen.Show(report.progress, report.running, MonotonicNow());
  }
  if (line.contains("say")) screen.Say(line.at("say").get<std::string>());
  if (!line.contains("ended")) return std::nullopt;
  const Json& ended = line.at("ended");
  const SweepOutcome outcome =
      ParseSweepOutcome(ended.at("outcome").get<std::string>()).value_or(SweepOutcome::kNone);
  screen.End(outcome, ended.at("reason").get<std::string>());
  return ExitCodeOf(outcome);
}

}  // namespace

std::optional<int> View(ControlClient& client, const ControlWord& first, ScreenKind kind,
                        bool leave_at_once) {
  const InterruptWatch watch;
  SweepScreen screen(kind);
  if (!client.Send(EncodeWord(first))) return std::nullopt;
  std::string line;
  while (interrupted == 0) {
    switch (client.Read(line, std::chrono::seconds(1))) {
      case ControlClient::Heard::kGone:
        screen.Clear();
        return std::nullopt;
      case ControlClient::Heard::kLine: {
        const Json json = ParseJson(line, "control socket");
        const std::optional<int> code = ShowLine(json, screen);
        if (code) return code;
        if (leave_at_once && json.contains("answer")) return 0;
        break;
      }
      case ControlClient::Heard::kNothingYet:
      case ControlClient::Heard::kInterrupted:
        break;
    }
  }
  screen.Clear();
  PrintAside("Left. The sweep goes on in the coordinator that has it.\n");
  return 130;
}

}  // namespace ddl
