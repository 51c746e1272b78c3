// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "scheduler/explain.h"
#include "store/location.h"

namespace ddl {

namespace {

std::string ExplainFromStore(const StoreReader& reader, const ChosenTrial& chosen) {
  if (!chosen.trial.id) return ExplainUntouched(chosen.sweep, chosen.trial.number);
  const std::vector<AttemptLine> attempts = reader.Attempts(chosen.trial.id);
  return ExplainStored(chosen.sweep, chosen.trial, attempts);
}

}  // namespace

// A live coordinator knows what a trial waits for; without one the store says what is recorded.
int RunExplainCommand(const ExplainOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(folder);
  const ChosenTrial chosen = ChooseTrial(reader, options.trial);
  std::optional<std::string> text =
      AskCoordinator(folder, {{"sweep", chosen.sweep.Address()}, {"trial", chosen.trial.number}});
  if (!text) text = ExplainFromStore(reader, chosen);
  if (options.common.json) {
    PrintJson({{"sweep", chosen.sweep.name},
               {"trial", chosen.trial.number},
               {"state", ToString(chosen.trial.state)},
               {"text", *text}});
  } else {
    PrintText(*text + "\n");
  }
  return 0;
}

}  // namespace ddl
