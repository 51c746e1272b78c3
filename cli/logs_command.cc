// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "runner/kept_log.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kLookEvery{200};

AttemptLine ChooseAttempt(const StoreReader& reader, const ChosenTrial& chosen,
                          const std::optional<int>& number) {
  const std::vector<AttemptLine> attempts =
      chosen.trial.id ? reader.Attempts(chosen.trial.id) : std::vector<AttemptLine>();
  if (attempts.empty()) {
    throw Error(fmt::format("trial {} was not started yet", chosen.trial.number), "",
                "ddl explain says what it waits for");
  }
  if (!number) return attempts.back();
  for (const AttemptLine& attempt : attempts) {
    if (attempt.attempt == *number) return attempt;
  }
  throw Error(fmt::format("trial {} has no attempt {}", chosen.trial.number, *number), "",
              fmt::format("it has 1 to {}", attempts.back().attempt));
}

// A terminal is shown no control characters of a stranger; a pipe gets the bytes.
void Print(const std::string& text, bool to_terminal) {
  if (!to_terminal) return PrintText(text);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    PrintText(Harmless(line) + "\n");
  }
}

// Goes on from `offset` of the head file until the attempt has ended and all was shown.
void Follow(const StoreReader& reader, TrialId trial, AttemptLine attempt, std::size_t offset,
            bool to_terminal) {
  while (true) {
    for (const AttemptLine& line : reader.Attempts(trial)) {
      if (line.attempt == attempt.attempt) attempt = line;
    }
    const std::string text = ReadLogFrom(attempt.job_folder, offset);
    offset += text.size();
    Print(text, to_terminal);
    if (attempt.cause && text.empty()) return;
    if (text.empty()) std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace

int RunLogsCommand(const LogsOptions& options) {
  const StoreReader reader = StoreReader::Open(FindStoreFolder(options.common.store));
  const ChosenTrial chosen = ChooseTrial(reader, options.trial);
  const AttemptLine attempt = ChooseAttempt(reader, chosen, options.attempt);
  if (attempt.host != "local") {
    throw Error(fmt::format("the log of trial {} lies on {}", chosen.trial.number, attempt.host),
                attempt.job_folder + "/log",
                "read it there; fetching logs from hosts is not built yet");
  }
  const std::string gone = WhyFolderIsGone(attempt);
  const std::string text = ReadTrialOutput(attempt, 0);
  if (options.common.json) {
    PrintJson({{"trial", chosen.trial.number},
               {"attempt", attempt.attempt},
               {"host", attempt.host},
               {"folder_gone", gone.empty() ? Json(nullptr) : Json(gone)},
               {"text", LastLines(text, options.lines)}});
    return 0;
  }
  if (!gone.empty()) {
    fmt::print(stderr, "note: the log is not there any more: {} was {}\n", attempt.job_folder,
               gone);
  }
  const bool to_terminal = ::isatty(STDOUT_FILENO) == 1;
  Print(LastLines(text, options.lines), to_terminal);
  if (options.follow && !attempt.cause) {
    Follow(reader, chosen.trial.id, attempt, text.size(), to_terminal);
  }
  return 0;
}

}  // namespace ddl
