// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/attempt_log.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "scheduler/outside.h"
#include "store/location.h"

namespace ddl {

namespace {

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

// Nobody here saw what it wrote.
int SayItRanElsewhere(const LogsOptions& options, const ChosenTrial& chosen,
                      const AttemptLine& attempt) {
  if (options.common.json) {
    PrintJson({{"trial", chosen.trial.number},
               {"attempt", attempt.attempt},
               {"host", attempt.host},
               {"folder_gone", nullptr},
               {"text", ""}});
    return 0;
  }
  PrintAside(fmt::format(
      "note: trial {} was given out by ddl ask and ran elsewhere: ddl has no log of it\n",
      chosen.trial.number));
  return 0;
}

}  // namespace

int RunLogsCommand(const LogsOptions& options) {
  const StoreReader reader = StoreReader::Open(FindStoreFolder(options.common.store));
  const ChosenTrial chosen = ChooseTrial(reader, options.trial);
  const AttemptLine attempt = ChooseAttempt(reader, chosen, options.attempt);
  if (attempt.host == kOutsideHost) return SayItRanElsewhere(options, chosen, attempt);
  AttemptLog log(attempt);
  const std::string gone = log.WhyGone();
  const std::string text = log.Read();
  if (options.common.json) {
    PrintJson({{"trial", chosen.trial.number},
               {"attempt", attempt.attempt},
               {"host", attempt.host},
               {"folder_gone", gone.empty() ? Json(nullptr) : Json(gone)},
               {"text", LastLines(text, options.lines)}});
    return 0;
  }
  if (!gone.empty()) {
    PrintAside(
        fmt::format("note: the log is not there any more: {} was {}\n", attempt.job_folder, gone));
  }
  const bool to_terminal = ::isatty(STDOUT_FILENO) == 1;
  Print(LastLines(text, options.lines), to_terminal);
  if (options.follow && !attempt.cause) {
    const auto has_ended = [&] {
      const auto attempts = reader.Attempts(chosen.trial.id);
      return std::ranges::any_of(attempts, [&](const AttemptLine& line) {
        return line.attempt == attempt.attempt && line.cause;
      });
    };
    log.Follow({.take = [&](std::string_view bytes) { Print(std::string(bytes), to_terminal); },
                .has_ended = has_ended,
                .is_read = IsOutputRead});
  }
  return 0;
}

}  // namespace ddl
