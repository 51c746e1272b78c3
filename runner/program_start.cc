// SPDX-License-Identifier: Apache-2.0
#include "runner/program_start.h"

#include <algorithm>
#include <string_view>

namespace ddl {

namespace {

constexpr std::string_view kPathOption = "--library-path";
constexpr std::string_view kFoldersVariable = "LD_LIBRARY_PATH=";

std::string_view LibraryFolders(const std::vector<char*>& environment) {
  for (const char* entry : environment) {
    const std::string_view text = entry == nullptr ? "" : entry;
    if (text.starts_with(kFoldersVariable)) return text.substr(kFoldersVariable.size());
  }
  return {};
}

}  // namespace

std::vector<std::string> StartOfProgram(const std::string& folder, const std::string& program) {
  return {folder + "/" + kLoaderName, std::string(kPathOption), folder + "/" + kLibraryFolder,
          folder + "/" + program.substr(program.rfind('/') + 1)};
}

void AddLibraryFolders(const std::vector<char*>& environment, std::vector<std::string>& words) {
  const bool is_ours = words.size() > 3 && words[1] == kPathOption &&
                       words[0].ends_with(std::string("/") + kLoaderName);
  if (!is_ours) return;
  std::string_view folders = LibraryFolders(environment);
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find_first_of(":;"), folders.size());
    // An empty one would be the folder where it runs, which nobody means.
    if (end > 0) words[2].append(":").append(folders.substr(0, end));
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
}

}  // namespace ddl
