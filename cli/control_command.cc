// SPDX-License-Identifier: Apache-2.0
// stop, pause, resume, retry and extend: said to the coordinator, or done here when there is none.
#include "cli/act.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/trial_name.h"
#include "configs/json.h"
#include "store/location.h"
#include "store/reader.h"

namespace ddl {

namespace {

UserVerb VerbOf(ControlVerb verb) {
  switch (verb) {
    case ControlVerb::kStop:
      return UserVerb::kStop;
    case ControlVerb::kPause:
      return UserVerb::kPause;
    case ControlVerb::kResume:
      return UserVerb::kResume;
    case ControlVerb::kRetry:
      return UserVerb::kRetry;
    case ControlVerb::kExtend:
      return UserVerb::kExtend;
  }
  return UserVerb::kStop;
}

ActWord WordOf(const ControlOptions& options, const std::string& folder) {
  const StoreReader reader = StoreReader::Open(folder);
  const TargetName target = ParseTargetName(options.target);
  ActWord word;
  word.sweep = ChooseSweep(reader, target.sweep).Address();  // refuses unknown names
  word.acts.verb = VerbOf(options.verb);
  if (target.number) word.acts.trials.push_back(*target.number);
  word.acts.extend_by = options.count;
  return word;
}

}  // namespace

int RunControlCommand(const ControlOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  const Answer answer = PerformAct(folder, WordOf(options, folder));
  if (options.common.json) {
    PrintText(DumpJson({{"ok", answer.ok}, {"text", answer.text}}) + "\n");
  } else if (answer.ok) {
    PrintText(answer.text + "\n");
  } else {
    PrintAside(answer.text + "\n");
  }
  return answer.ok ? 0 : 2;
}

}  // namespace ddl
