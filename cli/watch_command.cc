// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "cli/conduct.h"
#include "store/location.h"

namespace ddl {

int RunWatchCommand(const WatchOptions& options) {
  return WatchSweep(options.sweep, {FindStoreFolder(options.common.store), options.common.json});
}

}  // namespace ddl
