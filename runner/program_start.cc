// SPDX-License-Identifier: Apache-2.0
#include "runner/program_start.h"

namespace ddl {

std::vector<std::string> StartOfProgram(const std::string& folder, const std::string& program) {
  return {folder + "/" + kLoaderName, "--library-path", folder + "/" + kLibraryFolder,
          folder + "/" + program.substr(program.rfind('/') + 1)};
}

}  // namespace ddl
