// SPDX-License-Identifier: Apache-2.0
// Where a machine has a library of CUDA itself. Looks at names alone: what a library is worth is
// asked of it by a process of its own (runner/code_libraries.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ddl {

// The folders that LD_LIBRARY_PATH, CUDA_HOME and CUDA_PATH name. A later one of the same name
// counts, as in a trial's environment.
[[nodiscard]] std::vector<std::string> LibraryFoldersOf(
    const std::vector<std::pair<std::string, std::string>>& environment);

// Where a file of that name is: first in `folders`, then in those that this process's environment
// names, then where the system's loader finds it, then below /usr/local/cuda* and /opt/cuda*, the
// newest first. One file is told once, by the first of its paths.
[[nodiscard]] std::vector<std::string> FindHostLibrary(const std::string& name,
                                                       const std::vector<std::string>& folders);

// The paths that `ldconfig -p` lists for a name on this architecture.
[[nodiscard]] std::vector<std::string> PathsInLoaderCache(const std::string& list,
                                                          const std::string& name);

}  // namespace ddl
