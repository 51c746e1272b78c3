// SPDX-License-Identifier: Apache-2.0
#include "cli/trainer_files.h"

#include "cli/executables.h"
#include "runner/program_files.h"

namespace ddl {

std::map<std::string, std::string> TrainerFiles(const SweepSpec&) {
  return ProgramFiles(SiblingExecutable("ddl-trainer"));
}

}  // namespace ddl
