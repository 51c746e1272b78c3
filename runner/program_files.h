// SPDX-License-Identifier: Apache-2.0
// A program together with its dynamic loader and all its libraries, so that it runs in the same way
// on hosts of another distribution, which have older ones or none.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ddl {

// Where each file is to lie below a folder, and where it lies now: the program under its own name,
// the loader beside it, the libraries in lib/. They are the ones that the program would be started
// with here. Throws Error where one is missing, or could not be found elsewhere.
[[nodiscard]] std::map<std::string, std::string> ProgramFiles(const std::string& program);

// The words that start the same program from such a folder. The loader looks there for libraries
// before it looks anywhere else, LD_LIBRARY_PATH included, and all are there.
[[nodiscard]] std::vector<std::string> StartOfProgram(const std::string& folder,
                                                      const std::string& program);

// What the program reads lies there too.
inline constexpr const char* kDataFolder = "data";

// Name and path of each library in what the loader lists for a program. Throws as ProgramFiles.
[[nodiscard]] std::map<std::string, std::string> ListedLibraries(const std::string& list,
                                                                 const std::string& program);

}  // namespace ddl
