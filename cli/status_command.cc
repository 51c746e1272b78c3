// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/status.h"
#include "store/location.h"
#include "store/reader.h"

namespace ddl {

int RunStatusCommand(const StatusOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(folder);
  const bool all = options.sweep.empty();
  const std::vector<SweepLine> sweeps =
      all ? reader.Sweeps() : std::vector{ChooseSweep(reader, options.sweep)};
  if (options.names) {
    for (const SweepLine& sweep : sweeps) {
      PrintText(sweep.Address() + "\n");
    }
    return 0;
  }
  const Fronts fronts = ReadFronts(reader, sweeps);
  if (options.common.json) {
    PrintJson(StatusJson(sweeps, folder, fronts));
    return 0;
  }
  const Terminal terminal = DetectTerminal();
  PrintLines(StatusLines(sweeps, terminal, fronts));
  if (!all) PrintLines(SweepDetailLines(sweeps.front(), terminal, fronts));
  return 0;
}

}  // namespace ddl
