// SPDX-License-Identifier: Apache-2.0
// What somebody who only looks asks a host about libraries of CUDA: `ddl-agent facts` answers it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ddl {

struct LibraryQuestion {
  std::vector<std::string> names;    // "libcublasLt.so.13"
  std::vector<std::string> folders;  // to look in first
};

struct FoundLibrary {
  std::string name;
  std::string path;
  std::string file;      // that the path leads to; its name may tell the version
  bool is_sent = false;  // by a sweep before, with its trainer: it fitted that one
  bool operator==(const FoundLibrary&) const = default;
};

// Of this machine, for each name in the order of FindHostLibrary, then what was sent.
[[nodiscard]] std::vector<FoundLibrary> FindLibraries(const LibraryQuestion& question,
                                                      const std::string& host_folder);

// One line of JSON each, and back; they throw Error for anything else.
[[nodiscard]] std::string ToJsonText(const LibraryQuestion& question);
[[nodiscard]] LibraryQuestion LibraryQuestionFromJson(std::string_view text);
[[nodiscard]] std::string ToJsonText(const std::vector<FoundLibrary>& libraries);
[[nodiscard]] std::vector<FoundLibrary> FoundLibrariesFromJson(std::string_view text);

}  // namespace ddl
