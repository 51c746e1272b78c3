// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/output.h"

namespace ddl {

int RunCompletionCommand(const CompletionOptions& options) {
  PrintText(CompletionScript(options.shell));
  return 0;
}

}  // namespace ddl
