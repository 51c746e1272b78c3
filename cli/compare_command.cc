// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/output.h"
#include "store/location.h"

namespace ddl {

int RunCompareCommand(const CompareOptions& options) {
  const StoreReader reader = StoreReader::Open(FindStoreFolder(options.common.store));
  const Comparison comparison = ReadComparison(
      reader, {.names = options.names, .metric = options.metric, .single = options.single});
  if (options.common.json) {
    PrintJson(CompareJson(comparison));
  } else {
    PrintLines(CompareLines(comparison, DetectTerminal()));
  }
  return 0;
}

}  // namespace ddl
