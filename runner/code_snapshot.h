// SPDX-License-Identifier: Apache-2.0
// A workdir as it is now, or a list of files, kept below a store's folder, where no edit reaches
// it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ddl {

struct CodeSnapshot {
  std::string code;  // its name
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::vector<std::string> notes;  // what was left out, for the user
};

struct CodeSource {
  std::string workdir;
  std::string code_folder;         // STORE/code
  std::vector<std::string> never;  // folders that are never code
  // Where there are any, these are all of it, whatever the workdir holds: where each is to lie, and
  // where it lies now.
  std::map<std::string, std::string> files{};
  // Beside them, libraries of which each machine takes its own where that fits; "": this one has
  // none. They stay where they lie, and the tree has links to them.
  std::map<std::string, std::string> libraries{};
};

// Beside the files, the tree in the store has a link to each thing that was left out, so that
// scripts on this machine find their data. Nothing is synced, which may take seconds: what a power
// failure took is noticed after it (runner/code_tree.h). Throws Error where something cannot be
// read or kept.
[[nodiscard]] CodeSnapshot TakeCode(const CodeSource& source);

// For a sweep that goes on: how many files of the workdir differ by now from the snapshot that it
// began with. Nothing: that one is gone, or damaged, and the workdir is another by now.
[[nodiscard]] std::optional<std::int64_t> GoOnWithCode(const CodeSource& source,
                                                       const std::string& code);

// Lists to make the same snapshot of one that is there: `files` and `libraries` of a source. No
// files: it is gone.
struct ListedCode {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> libraries;
};
[[nodiscard]] ListedCode FilesOfCode(const std::string& code_folder, const std::string& code);

}  // namespace ddl
