// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/program_check.h"
#include "cli/sweep_json.h"
#include "cli/trainer_check.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "scheduler/search/search.h"

namespace ddl {

int RunValidateCommand(const ValidateOptions& options) {
  const SpecReading reading = ReadSpecFile(options.spec_file, options.overrides);
  const SpecPlaces places{options.spec_file, reading.text, options.overrides};
  CheckProgram(reading.spec, places);
  CheckSearchProgram(reading.spec, places);
  CheckTrainer(reading.spec, options.spec_file);
  const std::int64_t trials = PlannedTrials(reading.spec);
  if (options.common.json) {
    PrintText(DumpJson({{"ok", true},
                        {"trials", PlannedOrNull(trials)},
                        {"notes", reading.notes},
                        {"spec", ResolvedSpec(reading.spec)}}) +
              "\n");
    return 0;
  }
  for (const std::string& note : reading.notes) {
    PrintText(fmt::format("note: {}\n", note));
  }
  PrintText(fmt::format("{}: sweep \"{}\" is fine: {}, {} parameter{}\n", options.spec_file,
                        reading.spec.name, FormatPlanned(trials), reading.spec.space.size(),
                        reading.spec.space.size() == 1 ? "" : "s"));
  return 0;
}

}  // namespace ddl
