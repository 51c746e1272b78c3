// SPDX-License-Identifier: Apache-2.0
// A program together with its dynamic loader and all its libraries, so that it runs in the same way
// on hosts of another distribution, which have older ones or none.
#pragma once

#include <map>
#include <set>
#include <string>

namespace ddl {

// Where each file is to lie below a folder (runner/program_start.h), and where it lies now: the
// program under its own name, the loader beside it, the libraries in lib/. They are the ones that
// the program would be started with here. Throws Error where one is missing, or could not be found
// elsewhere.
[[nodiscard]] std::map<std::string, std::string> ProgramFiles(const std::string& program);

// A library beside such a program, which that loads while it runs: what it brings along, and what
// each machine may have itself, as it says in its own bytes (configs/library_need.h).
struct LibraryFiles {
  std::map<std::string, std::string> files;      // as above, the library beside the program
  std::map<std::string, std::string> libraries;  // that it needs of CUDA; "": none here
};
// Throws Error as ProgramFiles.
[[nodiscard]] LibraryFiles FilesOfLibrary(const std::string& library);

// Name and path of each library in what the loader lists for a program. Throws as ProgramFiles, but
// for those that may be missing.
[[nodiscard]] std::map<std::string, std::string> ListedLibraries(
    const std::string& list, const std::string& program,
    const std::set<std::string>& may_be_missing = {});

}  // namespace ddl
