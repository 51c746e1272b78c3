// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "cli/conduct.h"
#include "cli/program_check.h"
#include "cli/provenance.h"
#include "configs/json.h"
#include "configs/spec_reader.h"

namespace ddl {

// One tracked trial is a sweep of one. Each run is a new one: nobody means "go on with" here.
int RunRunCommand(const RunOptions& options) {
  std::vector<std::string> overrides;
  if (options.cpus) overrides.push_back("resources.cpus=" + FormatNumber(*options.cpus));
  if (options.gpus) overrides.push_back("resources.gpus=" + FormatNumber(*options.gpus));
  if (!options.memory.empty()) overrides.push_back("resources.memory=" + options.memory);
  const SweepSpec spec = CommandSpec(options.command, options.name, overrides);
  CheckProgram(spec, {"command", "", {}});
  const SweepRequest request{spec, DumpJson(ResolvedSpec(spec), 2), ProvenanceJson(spec.workdir),
                             true, false};
  return Conduct(
      request, {StoreToConduct(options.common.store), options.common.json, false, options.detach});
}

}  // namespace ddl
