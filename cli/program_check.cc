// SPDX-License-Identifier: Apache-2.0
#include "cli/program_check.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/executables.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

bool IsInPath(const std::string& word, const SweepSpec& spec, const char* path) {
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (IsExecutableFile(fs::path(spec.workdir) / folder / word)) return true;
  }
  return false;
}

bool IsFound(const std::string& word, const SweepSpec& spec) {
  if (IsInPath(word, spec, std::getenv("PATH"))) return true;
  for (const auto& [name, value] : spec.env) {
    if (name == "PATH" && IsInPath(word, spec, value.c_str())) return true;
  }
  return false;
}

using Key = std::vector<std::string_view>;

void CheckFirstWord(const std::string& word, const Key& key, const SweepSpec& spec,
                    const SpecPlaces& places) {
  if (word.find('/') == std::string::npos) {
    if (IsFound(word, spec)) return;
    places.Throw(key, 0, fmt::format("no such program: {}", word),
                 "write its path, or ./NAME for one in workdir");
  }
  const fs::path path = fs::path(spec.workdir) / word;
  if (!fs::exists(path)) {
    places.Throw(key, 0, fmt::format("no such program: {} (in {})", word, spec.workdir),
                 "mend it, or workdir");
  }
  if (!IsExecutableFile(path)) {
    places.Throw(key, 0, fmt::format("not executable: {}", word),
                 fmt::format("chmod +x {}, or put its interpreter before it", path.string()));
  }
}

// An argument vector that begins with a program as it stands. Python takes its first word that is
// no option for a file, a relative one from nowhere but workdir; others may be there on a host.
void CheckCommand(const std::vector<std::string>& command, const Key& key, const SweepSpec& spec,
                  const SpecPlaces& places) {
  CheckFirstWord(command.front(), key, spec, places);
  const bool is_python = fs::path(command.front()).filename().string().starts_with("python");
  if (!is_python || command.size() < 2) return;
  const std::string& script = command[1];
  const bool is_file = !script.starts_with("-") && script.find("${") == std::string::npos &&
                       fs::path(script).is_relative();
  if (!is_file || fs::exists(fs::path(spec.workdir) / script)) return;
  places.Throw(key, 1, fmt::format("no such program: {} (in {})", script, spec.workdir),
               "mend it, or workdir");
}

}  // namespace

void CheckProgram(const SweepSpec& spec, const SpecPlaces& places) {
  if (spec.trainer || spec.command.empty()) return;
  const std::string& first = spec.command.front();
  if (first == "${program}") return CheckFirstWord(spec.program, {"program"}, spec, places);
  if (first.find("${") == std::string::npos) {
    return CheckCommand(spec.command, {"command"}, spec, places);
  }
  // After -m the program would be a module's name: only a script right behind its interpreter.
  for (std::size_t i = 1; i < spec.command.size(); ++i) {
    const bool is_script =
        spec.command[i] == "${program}" && spec.command[i - 1] == "${interpreter}";
    if (is_script && !fs::is_regular_file(fs::path(spec.workdir) / spec.program)) {
      places.Throw({"program"}, 0,
                   fmt::format("no such program: {} (in {})", spec.program, spec.workdir),
                   "mend program, or workdir");
    }
  }
}

void CheckSearchProgram(const SweepSpec& spec, const SpecPlaces& places) {
  if (spec.own_search) {
    CheckCommand(spec.own_search->command, {"search", "command"}, spec, places);
  }
}

}  // namespace ddl
