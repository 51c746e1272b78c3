// SPDX-License-Identifier: Apache-2.0
// A folder that holds a program with all it needs: the loader and the program itself, libraries in
// lib/ (runner/program_files.h), and what it reads.
#pragma once

#include <string>
#include <vector>

namespace ddl {

// The words that start the program from such a folder. The loader looks there for libraries before
// it looks anywhere else, and all are there; in place of LD_LIBRARY_PATH.
[[nodiscard]] std::vector<std::string> StartOfProgram(const std::string& folder,
                                                      const std::string& program);

// Lets words that begin so look into the folders of LD_LIBRARY_PATH too, behind their own: a
// driver's libraries come from the host alone, and may lie where only that variable says. Other
// words stay as they are. `environment` is as execve takes it.
void AddLibraryFolders(const std::vector<char*>& environment, std::vector<std::string>& words);

// The platform's loader, by the name that its ABI fixes.
inline constexpr const char* kLoaderName = "ld-linux-x86-64.so.2";
inline constexpr const char* kLibraryFolder = "lib";
inline constexpr const char* kDataFolder = "data";

}  // namespace ddl
